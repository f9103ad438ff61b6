// The kernel clears the given word and wakes a futex there when the thread ends; set_tid_address(2).
// syscalls: set_tid_address gettid
// needs: threads
#include "ktap.h"
#include <linux/futex.h>
#include <sched.h>

static char stack[65536] __attribute__((aligned(16)));
static volatile int word = 1, tid_returned;

static int body(void *arg) {
    (void)arg;
    tid_returned = syscall(SYS_set_tid_address, &word);
    return 0;
}

TEST(cleared_at_exit) {
    int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
    int tid = MUST(clone(body, stack + sizeof stack, flags, NULL));
    struct timespec t = {2, 0};
    while (word == 1 && !(syscall(SYS_futex, &word, FUTEX_WAIT, 1, &t, NULL, 0) == -1 && errno == ETIMEDOUT)) {}
    CHECK_EQ(word, 0);
    CHECK_EQ(tid_returned, tid);
}

TEST(returns_the_tid) {
    static int mine;
    CHECK_EQ(syscall(SYS_set_tid_address, &mine), gettid());
}
