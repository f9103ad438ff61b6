// /proc/self and the files of a process: links, descriptors, command line, environment; proc(5).
// syscalls: readlink openat getdents64
// build: static musl
#include "ktap.h"

static char b[4096];
static char *linked(const char *path) {
    ssize_t n = readlink(path, b, sizeof b - 1);
    b[n < 0 ? 0 : n] = 0;
    return b;
}

TEST(self_is_the_pid) {
    CHECK_EQ(atoi(linked("/proc/self")), getpid());
    char want[64];
    snprintf(want, sizeof want, "%d/task/%d", getpid(), gettid());
    CHECK(strcmp(linked("/proc/thread-self"), want) == 0);
    CHECK_EQ(access("/proc/999999999", F_OK), -1);
}

TEST(working_directory_and_root) {
    scratch();
    CHECK(strcmp(linked("/proc/self/cwd"), scratch_path) == 0);
    CHECK(strcmp(linked("/proc/self/root"), "/") == 0);
    put_file("f", "x");
    CHECK_EQ(access("/proc/self/cwd/f", F_OK), 0);
}

TEST(descriptors) {
    char path[64], want[128];
    int fd = MUST(open("f", O_RDONLY)), p[2], seen = 0;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    snprintf(want, sizeof want, "%s/f", scratch_path);
    CHECK(strcmp(linked(path), want) == 0);
    MUST(pipe(p));
    snprintf(path, sizeof path, "/proc/self/fd/%d", p[0]);
    CHECK(strncmp(linked(path), "pipe:[", 6) == 0);
    DIR *d = opendir("/proc/self/fd");
    for (struct dirent *e; (e = readdir(d));) seen += atoi(e->d_name) == fd || atoi(e->d_name) == p[1];
    closedir(d);
    CHECK_EQ(seen, 2);
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    MUST(lseek(fd, 1, SEEK_SET));
    CHECK(strncmp(get_file(path), "pos:\t1\nflags:\t0", 15) == 0);
}

TEST(deleted_file) {
    char path[64], want[128];
    int fd = MUST(open("f", O_RDONLY));
    MUST(unlink("f"));
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    snprintf(want, sizeof want, "%s/f (deleted)", scratch_path);
    CHECK(strcmp(linked(path), want) == 0);
}

ROLE(look) {
    char *text = get_file("/proc/self/cmdline");
    CHECK_EQ(get_length, sizeof "guest\0look\0two words\0" - 1);
    CHECK(memcmp(text, "guest\0look\0two words\0", get_length) == 0);
    text = get_file("/proc/self/environ");
    CHECK(get_length > 0);
    extern char **environ;
    CHECK(strcmp(text, environ[0]) == 0);
}
TEST(command_line_and_environment) { CHECK_EQ(wait_status(SPAWN("look", "two words")), EXITED(0)); }

TEST(read_only_tree) {
    CHECK_ERR(open("/proc/new", O_WRONLY | O_CREAT, 0600), ENOENT);
    CHECK(mkdir("/proc/new", 0700) == -1);
    CHECK(unlink("/proc/version") == -1);
}
