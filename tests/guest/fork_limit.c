// A fork bomb ends in EAGAIN under RLIMIT_NPROC; fork(2), getrlimit(2).
// syscalls: fork setrlimit prlimit64
// build: static musl
#include "ktap.h"
#include <sys/resource.h>

enum { LIMIT = 30 };

// Root has no limit, so a user that runs nothing else is asked for.
static void become_limited(rlim_t limit) {
    uid_t lonely = 50000 + getpid() % 10000;
    if (getuid() == 0) MUST(setresuid(lonely, lonely, lonely));
    struct rlimit r = {limit, limit};
    MUST(setrlimit(RLIMIT_NPROC, &r));
}

TEST(bomb_ends_in_eagain) {
    int root = getuid() == 0;
    pid_t pid = fork_child();
    if (pid == 0) {
        become_limited(LIMIT);
        struct gate stay = gate();
        int children = 0;
        for (;;) {
            pid_t child = fork();
            if (child == 0) {
                begin_child();
                pass_gate(stay);
                leave();
            }
            if (child < 0) break;
            CHECK(++children < LIMIT);
        }
        EXPECT_EQ(errno, EAGAIN);
        if (root) EXPECT_EQ(children, LIMIT - 1);
        for (int i = 0; i < children; i++) open_gate(stay);
        for (int i = 0; i < children; i++) CHECK_EQ(wait_status(-1), EXITED(0));
        if (root) {
            pid_t again = fork_child();
            if (again == 0) leave();
            CHECK_CHILD(again);
        }
        leave();
    }
    CHECK_CHILD(pid);
}

// A real bomb: every process forks until it cannot, then ends. Everything is over soon, and nothing is left.
TEST(everyone_forks) {
    pid_t pid = fork_child();
    if (pid == 0) {
        become_limited(LIMIT);
        for (int round = 0; round < 5; round++) {
            pid_t child = fork();
            if (child < 0) EXPECT_EQ(errno, EAGAIN);
        }
        while (wait(NULL) > 0) {}
        leave();
    }
    CHECK_CHILD(pid);
}

TEST(no_threads_either) {
    pid_t pid = fork_child();
    if (pid == 0) {
        become_limited(1);
        CHECK_ERR(fork(), EAGAIN);
        CHECK_ERR(vfork(), EAGAIN);
        leave();
    }
    CHECK_CHILD(pid);
}
