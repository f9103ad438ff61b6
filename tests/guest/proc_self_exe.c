// /proc/self/exe names the running file, opens it, and survives its renaming; proc(5).
// syscalls: readlink execve
// build: static dynamic
#include "ktap.h"

static void copy_self(const char *to) {
    int in = MUST(open("/proc/self/exe", O_RDONLY)), out = MUST(open(to, O_WRONLY | O_CREAT, 0755));
    char b[65536];
    for (ssize_t n; (n = MUST(read(in, b, sizeof b))) > 0;) MUST(write(out, b, n));
    close(in);
    close(out);
}

ROLE(look) {
    char target[256] = {0}, want[256];
    snprintf(want, sizeof want, "%s/copy", ktap_argv[2]);
    CHECK(readlink("/proc/self/exe", target, sizeof target - 1) > 0);
    CHECK(strcmp(target, want) == 0);
    MUST(rename("copy", "moved"));
    memset(target, 0, sizeof target);
    CHECK(readlink("/proc/self/exe", target, sizeof target - 1) > 0);
    snprintf(want, sizeof want, "%s/moved", ktap_argv[2]);
    CHECK(strcmp(target, want) == 0);
    struct stat a, b;
    MUST(stat("/proc/self/exe", &a) | stat("moved", &b));
    CHECK_EQ(a.st_ino, b.st_ino);
}

TEST(follows_the_file) {
    scratch();
    copy_self("copy");
    pid_t pid = vfork();
    if (pid == 0) {
        execl("./copy", "anything", "look", scratch_path, NULL);
        _exit(127);
    }
    CHECK_EQ(wait_status(pid), EXITED(0));
}

TEST(first_bytes_are_elf) {
    char b[4];
    int fd = MUST(open("/proc/self/exe", O_RDONLY));
    CHECK_EQ(read(fd, b, 4), 4);
    CHECK(memcmp(b, "\177ELF", 4) == 0);
}

TEST(cannot_be_written_while_running) { CHECK_ERR(open("/proc/self/exe", O_WRONLY), ETXTBSY); }
