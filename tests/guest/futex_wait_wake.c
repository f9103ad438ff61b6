// A waiter sleeps only while the word holds the expected value, and a wake ends its sleep; futex(2).
// syscalls: futex
// needs: threads
#include "ktap.h"
#include <linux/futex.h>
#include <pthread.h>

static volatile int word, awake;
static long futex(volatile int *w, int op, int v, void *t) { return syscall(SYS_futex, w, op, v, t, NULL, 0); }

static void *sleeper(void *op) {
    long r;
    while ((r = futex(&word, (long)op, 0, NULL)) == -1 && errno == EINTR) {}
    __atomic_add_fetch(&awake, 1, __ATOMIC_SEQ_CST);
    return (void *)r;
}

static void wake_three(int flag) {
    pthread_t t[3];
    void *r;
    word = awake = 0;
    for (int i = 0; i < 3; i++) pthread_create(&t[i], NULL, sleeper, (void *)(long)(FUTEX_WAIT | flag));
    int woken = 0;
    EXPECT(EVENTUALLY((woken += futex(&word, FUTEX_WAKE | flag, 1, NULL)) == 1));
    EXPECT(EVENTUALLY(awake == 1));
    EXPECT(EVENTUALLY((woken += futex(&word, FUTEX_WAKE | flag, 10, NULL)) == 3));
    for (int i = 0; i < 3; i++) {
        pthread_join(t[i], &r);
        EXPECT_EQ(r, 0);
    }
    EXPECT_EQ(awake, 3);
}

TEST(shared) { wake_three(0); }
TEST(private) { wake_three(FUTEX_PRIVATE_FLAG); }

TEST(value_has_changed) {
    word = 1;
    CHECK_ERR(futex(&word, FUTEX_WAIT, 0, NULL), EAGAIN);
}

TEST(nobody_to_wake) { CHECK_EQ(futex(&word, FUTEX_WAKE, 1, NULL), 0); }

TEST(errors) {
    CHECK_ERR(futex((int *)((char *)&word + 1), FUTEX_WAIT, 0, NULL), EINVAL);
    CHECK_ERR(futex((int *)16, FUTEX_WAIT, 0, NULL), EFAULT);
    CHECK_ERR(futex(&word, 99, 0, NULL), ENOSYS);
}
