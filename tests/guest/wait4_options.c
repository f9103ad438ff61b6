// wait4() by pid, any, group; WNOHANG; statuses and resource usage; wait4(2).
// syscalls: wait4
#include "ktap.h"
#include <sys/resource.h>

ROLE(leave) { _exit(atoi(ktap_argv[2])); }
ROLE(block) {
    for (;;) pause();
}
ROLE(burn) { burn_ms(30); }

TEST(no_children) {
    int status;
    CHECK_ERR(waitpid(-1, &status, 0), ECHILD);
    CHECK_ERR(waitpid(getppid(), &status, 0), ECHILD);
    CHECK_ERR(waitpid(-1, &status, 0x1000), EINVAL);
}

TEST(nohang) {
    int status = 99;
    pid_t pid = SPAWN("block");
    CHECK_EQ(waitpid(pid, &status, WNOHANG), 0);
    CHECK_EQ(status, 99);
    kill(pid, SIGTERM);
    CHECK_EQ(wait_status(pid), SIGTERM);
}

TEST(any_child) {
    pid_t a = SPAWN("leave", "1"), b = SPAWN("leave", "2");
    int sum = 0, seen = 0, status;
    for (int i = 0; i < 2; i++) {
        pid_t pid = waitpid(-1, &status, 0);
        CHECK(pid == a || pid == b);
        seen |= pid == a ? 1 : 2;
        sum += WEXITSTATUS(status) * (pid == a ? 10 : 1);
    }
    CHECK_EQ(seen, 3);
    CHECK_EQ(sum, 12);
}

TEST(by_group) {
    int status;
    pid_t pid = SPAWN("block");
    CHECK_EQ(setpgid(pid, pid), -1);  // it has executed already
    CHECK_EQ(errno, EACCES);
    kill(pid, SIGKILL);
    CHECK_EQ(waitpid(0, &status, 0), pid);
    CHECK_ERR(waitpid(-999999, &status, 0), ECHILD);
}

TEST(usage_of_the_child) {
    struct rusage u;
    int status;
    memset(&u, 0xff, sizeof u);
    pid_t pid = SPAWN("burn");
    CHECK_EQ(wait4(pid, &status, 0, &u), pid);
    CHECK(u.ru_utime.tv_sec == 0 && u.ru_stime.tv_sec == 0);
    CHECK(u.ru_utime.tv_usec + u.ru_stime.tv_usec > 1000);
    CHECK(u.ru_maxrss > 0);
}

TEST(status_may_be_null) {
    pid_t pid = SPAWN("leave", "0");
    CHECK_EQ(waitpid(pid, NULL, 0), pid);
}
