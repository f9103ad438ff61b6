// A #! script gets its interpreter, one optional argument, its own path, and the caller's arguments; execve(2).
// syscalls: execve
#include "ktap.h"

static char self[256];
ROLE(show) {
    for (int i = 0; i < ktap_argc; i++) {
        write(1, "[", 1);
        write(1, ktap_argv[i], strlen(ktap_argv[i]));
        write(1, "]", 1);
    }
}

static void make_script(const char *path, const char *interpreter, const char *rest) {
    char text[512];
    snprintf(text, sizeof text, "#!%s%s\n", interpreter, rest);
    put_file(path, text);
    MUST(chmod(path, 0755));
}

// What running `path a b` prints.
static char *output(char *path) {
    static char text[1024];
    int p[2];
    char *argv[] = {"ignored", "a", "b", NULL}, *env[] = {NULL};
    MUST(pipe(p));
    pid_t pid = vfork();
    if (pid == 0) {
        dup2(p[1], 1);
        execve(path, argv, env);
        _exit(errno);
    }
    close(p[1]);
    EXPECT_EQ(wait_status(pid), EXITED(0));
    ssize_t n = read(p[0], text, sizeof text - 1);
    text[n < 0 ? 0 : n] = 0;
    close(p[0]);
    return text;
}

TEST(with_an_argument) {
    scratch();
    char want[600];
    MUST(readlink("/proc/self/exe", self, sizeof self - 1));
    make_script("s1", self, " show");
    snprintf(want, sizeof want, "[%s][show][./s1][a][b]", self);
    CHECK(strcmp(output("./s1"), want) == 0);
}

TEST(spaces_around_but_not_inside) {
    char want[600], line[400];
    snprintf(line, sizeof line, " \t %s", self);
    make_script("s2", line, "  show \t ");
    snprintf(want, sizeof want, "[%s][show][./s2][a][b]", self);
    CHECK(strcmp(output("./s2"), want) == 0);
}

TEST(a_script_may_interpret_a_script) {
    char want[600];
    make_script("s3", "./s1", " inner");
    snprintf(want, sizeof want, "[%s][show][./s1][inner][./s3][a][b]", self);
    CHECK(strcmp(output("./s3"), want) == 0);
}

TEST(too_deep) {
    char *argv[] = {"x", NULL}, *env[] = {NULL};
    char a[8], b[8] = "./s1";
    for (int i = 0; i < 8; i++) {
        snprintf(a, sizeof a, "./d%d", i);
        make_script(a, b, "");
        strcpy(b, a);
    }
    CHECK_ERR(execve(b, argv, env), ELOOP);
}

TEST(no_interpreter_named) {
    char *argv[] = {"x", NULL}, *env[] = {NULL};
    make_script("s4", "", "");
    CHECK_ERR(execve("./s4", argv, env), ENOEXEC);
}
