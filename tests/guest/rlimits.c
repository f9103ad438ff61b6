// Limits are read, lowered, inherited; NOFILE gives EMFILE, FSIZE gives SIGXFSZ and EFBIG; getrlimit(2).
// syscalls: prlimit64 getrlimit setrlimit
#include "ktap.h"
#include <sys/resource.h>

TEST(read_and_lower) {
    struct rlimit r, old;
    CHECK_EQ(getrlimit(RLIMIT_CORE, &r), 0);
    CHECK_EQ(syscall(SYS_getrlimit, RLIMIT_NOFILE, &old), 0);
    CHECK(old.rlim_cur >= 64 && old.rlim_cur <= old.rlim_max);
    r = (struct rlimit){50, old.rlim_max};
    CHECK_EQ(syscall(SYS_setrlimit, RLIMIT_NOFILE, &r), 0);
    CHECK_EQ(prlimit(0, RLIMIT_NOFILE, NULL, &r), 0);
    CHECK_EQ(r.rlim_cur, 50);
    CHECK_EQ(r.rlim_max, old.rlim_max);
}

TEST(nofile_is_emfile) {
    int fd, last = -1;
    while ((fd = dup(1)) >= 0) last = fd;
    CHECK_EQ(errno, EMFILE);
    CHECK_EQ(last, 49);
    CHECK_ERR(open("/", O_RDONLY), EMFILE);
    CHECK_ERR(dup2(1, 50), EBADF);
    CHECK_ERR(fcntl(1, F_DUPFD, 50), EINVAL);
    for (fd = 3; fd < 50; fd++) close(fd);
}

static volatile int calls;
static void on_signal(int sig) { (void)sig, calls++; }
TEST(fsize) {
    scratch();
    struct rlimit r = {100, RLIM_INFINITY}, old;
    char b[200] = {0};
    MUST(getrlimit(RLIMIT_FSIZE, &old));
    r.rlim_max = old.rlim_max;
    signal(SIGXFSZ, on_signal);
    CHECK_EQ(setrlimit(RLIMIT_FSIZE, &r), 0);
    int fd = MUST(open("f", O_WRONLY | O_CREAT, 0600));
    CHECK_EQ(write(fd, b, 200), 100);
    CHECK_EQ(calls, 0);
    CHECK_ERR(write(fd, b, 1), EFBIG);
    CHECK_EQ(calls, 1);
    CHECK_ERR(ftruncate(fd, 101), EFBIG);
    CHECK_EQ(calls, 2);
    MUST(setrlimit(RLIMIT_FSIZE, &old));
}

ROLE(inherited) {
    struct rlimit r;
    MUST(getrlimit(RLIMIT_NOFILE, &r));
    CHECK_EQ(r.rlim_cur, 50);
}
TEST(kept_by_children) { CHECK_EQ(wait_status(SPAWN("inherited")), EXITED(0)); }

TEST(errors) {
    struct rlimit r = {10, 5};
    CHECK_ERR(setrlimit(RLIMIT_NOFILE, &r), EINVAL);
    CHECK_ERR(getrlimit(99, &r), EINVAL);
    CHECK_ERR(prlimit(999999999, RLIMIT_NOFILE, NULL, &r), ESRCH);
    CHECK_ERR(syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, (void *)8), EFAULT);
}
