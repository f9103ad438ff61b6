// The ways of the C library to run programs, from forked children and with threads: system(), popen(), posix_spawn().
// syscalls: fork clone3 execve wait4
// build: static dynamic musl musl-dynamic fixed-dynamic
#include "ktap.h"
#include <spawn.h>

extern char **environ;

TEST(system_) {
    CHECK_EQ(system("exit 7"), EXITED(7));
    CHECK_EQ(system("kill -TERM $$"), SIGTERM);
    CHECK_EQ(system("test \"$(echo a | tr a b)\" = b"), 0);
    CHECK(system(NULL) != 0);
}

TEST(popen_reads) {
    char line[64];
    FILE *f = popen("(echo one; echo two) | sort -r", "r");
    CHECK(f && fgets(line, sizeof line, f) && strcmp(line, "two\n") == 0);
    CHECK(fgets(line, sizeof line, f) && strcmp(line, "one\n") == 0);
    CHECK(!fgets(line, sizeof line, f));
    CHECK_EQ(pclose(f), 0);
}

TEST(popen_writes) {
    scratch();
    FILE *f = popen("cat >written; exit 3", "w");
    CHECK(f != NULL);
    for (int i = 0; i < 5000; i++) fprintf(f, "line %d\n", i);
    CHECK_EQ(pclose(f), EXITED(3));
    get_file("written");
    CHECK_EQ(get_length, 48890);
}

TEST(three_at_once) {
    FILE *f[3];
    char text[3][8] = {"", "", ""};
    for (int i = 0; i < 3; i++) {
        char command[32];
        snprintf(command, sizeof command, "sleep 0.0%d; echo %d", 3 - i, i);
        CHECK((f[i] = popen(command, "r")) != NULL);
    }
    for (int i = 0; i < 3; i++) {
        CHECK(fgets(text[i], sizeof text[i], f[i]) && text[i][0] == '0' + i);
        CHECK_EQ(pclose(f[i]), 0);
    }
}

static int spawn(char *command) {
    char *argv[] = {"sh", "-c", command, NULL};
    pid_t pid;
    if (posix_spawnp(&pid, "sh", NULL, NULL, argv, environ)) return -1;
    return wait_status(pid);
}

TEST(from_a_forked_child) {
    pid_t pid = fork_child();
    if (pid == 0) {
        EXPECT_EQ(system("(exit 4)"), EXITED(4));
        EXPECT_EQ(spawn("exit 5"), EXITED(5));
        FILE *f = popen("echo x", "r");
        EXPECT(f && fgetc(f) == 'x');
        EXPECT_EQ(pclose(f), 0);
        leave();
    }
    CHECK_EQ(spawn("exit 6"), EXITED(6));
    CHECK_CHILD(pid);
}

TEST(many) {
    for (int i = 0; i < 30; i++) {
        char command[32];
        snprintf(command, sizeof command, "(exit %d)", i);
        CHECK_EQ(system(command), EXITED(i));
    }
}
