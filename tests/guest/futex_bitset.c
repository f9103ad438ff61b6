// A bitset wake reaches only waiters that share a bit with it; futex(2).
// syscalls: futex
// needs: threads
#include "ktap.h"
#include <linux/futex.h>
#include <pthread.h>

static volatile int word, woken[2], waiting;
static void *sleeper(void *arg) {
    long i = (long)arg;
    __atomic_add_fetch(&waiting, 1, __ATOMIC_SEQ_CST);
    while (syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 0, NULL, NULL, 1 << i) == -1 && errno == EINTR) {}
    woken[i] = 1;
    return NULL;
}

TEST(only_matching_bits) {
    pthread_t t[2];
    for (long i = 0; i < 2; i++) pthread_create(&t[i], NULL, sleeper, (void *)i);
    CHECK(EVENTUALLY(waiting == 2));
    CHECK_EQ(syscall(SYS_futex, &word, FUTEX_WAKE_BITSET, 10, NULL, NULL, 4), 0);
    CHECK(EVENTUALLY(syscall(SYS_futex, &word, FUTEX_WAKE_BITSET, 10, NULL, NULL, 2) == 1));
    CHECK_EQ(pthread_join(t[1], NULL), 0);
    CHECK_EQ(woken[0], 0);
    CHECK(EVENTUALLY(syscall(SYS_futex, &word, FUTEX_WAKE, 10, NULL, NULL, 0) == 1));
    CHECK_EQ(pthread_join(t[0], NULL), 0);
}

TEST(no_bits) {
    CHECK_ERR(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0), EINVAL);
    CHECK_ERR(syscall(SYS_futex, &word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0), EINVAL);
}
