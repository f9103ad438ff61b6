// Waiters are moved from one word to another without being woken; futex(2).
// syscalls: futex
// needs: threads
#include "ktap.h"
#include <linux/futex.h>
#include <pthread.h>

static volatile int a, b, awake;
static void *sleeper(void *arg) {
    (void)arg;
    while (syscall(SYS_futex, &a, FUTEX_WAIT, 0, NULL, NULL, 0) == -1 && errno == EINTR) {}
    __atomic_add_fetch(&awake, 1, __ATOMIC_SEQ_CST);
    return NULL;
}
// Counts waiters by requeueing none: moves up to 100 from `a` to itself.
static long waiting(void) { return syscall(SYS_futex, &a, FUTEX_REQUEUE, 0, 100L, &a, 0); }

static void move(int op, long value) {
    pthread_t t[4];
    a = b = awake = 0;
    for (int i = 0; i < 4; i++) pthread_create(&t[i], NULL, sleeper, NULL);
    EXPECT(EVENTUALLY(waiting() == 4));
    EXPECT_EQ(syscall(SYS_futex, &a, op, 1, 2L, &b, value), 3);
    EXPECT(EVENTUALLY(awake == 1));
    EXPECT_EQ(syscall(SYS_futex, &b, FUTEX_WAKE, 100, NULL, NULL, 0), 2);
    EXPECT(EVENTUALLY(awake == 3));
    EXPECT_EQ(syscall(SYS_futex, &a, FUTEX_WAKE, 100, NULL, NULL, 0), 1);
    for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
}

TEST(requeue) { move(FUTEX_REQUEUE, 0); }
TEST(cmp_requeue) { move(FUTEX_CMP_REQUEUE, 0); }

TEST(cmp_requeue_checks_the_word) {
    a = 5;
    CHECK_ERR(syscall(SYS_futex, &a, FUTEX_CMP_REQUEUE, 1, 2L, &b, 0), EAGAIN);
    CHECK_EQ(syscall(SYS_futex, &a, FUTEX_CMP_REQUEUE, 1, 2L, &b, 5), 0);
}

TEST(negative_counts) { CHECK_ERR(syscall(SYS_futex, &a, FUTEX_CMP_REQUEUE, -1, 2L, &b, 5), EINVAL); }
