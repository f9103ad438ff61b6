// FUTEX_WAKE_OP changes the second word and wakes there only if its old value compares; futex(2).
// syscalls: futex
// needs: threads
#include "ktap.h"
#include <linux/futex.h>
#include <pthread.h>

static volatile int a, b, ready;
static long wake_op(int op, int oparg, int cmp, int cmparg) {
    return syscall(SYS_futex, &a, FUTEX_WAKE_OP, 1, 1L, &b, FUTEX_OP(op, oparg, cmp, cmparg));
}
static void *sleeper(void *word) {
    __atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
    while (syscall(SYS_futex, word, FUTEX_WAIT, *(volatile int *)word, NULL, NULL, 0) == -1 && errno == EINTR) {}
    return NULL;
}

TEST(the_five_operations) {
    b = 10;
    CHECK_EQ(wake_op(FUTEX_OP_ADD, 5, FUTEX_OP_CMP_EQ, 99), 0);
    CHECK_EQ(b, 15);
    wake_op(FUTEX_OP_SET, 12, FUTEX_OP_CMP_EQ, 99);
    CHECK_EQ(b, 12);
    wake_op(FUTEX_OP_OR, 3, FUTEX_OP_CMP_EQ, 99);
    CHECK_EQ(b, 15);
    wake_op(FUTEX_OP_ANDN, 1, FUTEX_OP_CMP_EQ, 99);
    CHECK_EQ(b, 14);
    wake_op(FUTEX_OP_XOR, 6, FUTEX_OP_CMP_EQ, 99);
    CHECK_EQ(b, 8);
    wake_op(FUTEX_OP_OR | FUTEX_OP_OPARG_SHIFT, 4, FUTEX_OP_CMP_EQ, 99);
    CHECK_EQ(b, 24);
}

TEST(wakes_the_second_only_if_it_compares) {
    pthread_t ta, tb;
    a = 0, b = 3, ready = 0;
    pthread_create(&ta, NULL, sleeper, (void *)&a);
    pthread_create(&tb, NULL, sleeper, (void *)&b);
    CHECK(EVENTUALLY(ready == 2));
    CHECK(EVENTUALLY(wake_op(FUTEX_OP_SET, 3, FUTEX_OP_CMP_GT, 3) == 1));
    CHECK_EQ(pthread_join(ta, NULL), 0);
    CHECK_EQ(wake_op(FUTEX_OP_SET, 3, FUTEX_OP_CMP_NE, 3), 0);
    CHECK(EVENTUALLY(wake_op(FUTEX_OP_SET, 3, FUTEX_OP_CMP_LE, 3) == 1));
    CHECK_EQ(pthread_join(tb, NULL), 0);
}
