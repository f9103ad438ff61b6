// A thread by raw clone(): shared memory, tid stores, tid cleared with a futex wake at exit; clone(2).
// syscalls: clone exit futex set_tid_address
// needs: threads
#include "ktap.h"
#include <linux/futex.h>
#include <sched.h>

static char stack[65536] __attribute__((aligned(16)));
static volatile int parent_tid, child_tid, ran, own_tid;

static int body(void *arg) {
    ran = *(int *)arg;
    own_tid = syscall(SYS_gettid);
    return 0;
}

TEST(shares_everything) {
    int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_PARENT_SETTID |
                CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;
    int arg = 42;
    child_tid = -1;
    int tid = clone(body, stack + sizeof stack, flags, &arg, &parent_tid, NULL, &child_tid);
    CHECK(tid > 0);
    CHECK_EQ(parent_tid, tid);
    for (int v; (v = child_tid) != 0;) {
        struct timespec t = {2, 0};
        if (syscall(SYS_futex, &child_tid, FUTEX_WAIT, v, &t, NULL, 0) == -1 && errno == ETIMEDOUT) break;
    }
    CHECK_EQ(child_tid, 0);
    CHECK_EQ(ran, 42);
    CHECK_EQ(own_tid, tid);
}

TEST(bad_combinations) {
    CHECK_ERR(clone(body, stack + sizeof stack, CLONE_THREAD, NULL), EINVAL);
    CHECK_ERR(clone(body, stack + sizeof stack, CLONE_SIGHAND, NULL), EINVAL);
    CHECK_ERR(clone(body, stack + sizeof stack, CLONE_THREAD | CLONE_SIGHAND, NULL), EINVAL);
    CHECK_ERR(clone(body, stack + sizeof stack, CLONE_VM | CLONE_FS | CLONE_NEWNS, NULL), EINVAL);
}
