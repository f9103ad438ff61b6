// A thread blocked in read() is cancelled there and runs its clean-up handlers; pthread_cancel(3).
// syscalls: tgkill rt_sigreturn futex
// build: static dynamic musl musl-dynamic
// needs: threads
#include "ktap.h"
#include <pthread.h>

static volatile int cleaned, started, spins;
static int p[2];
static void clean(void *arg) { cleaned += (long)arg; }

static void *reader(void *arg) {
    (void)arg;
    char c;
    pthread_cleanup_push(clean, (void *)1);
    started = 1;
    while (read(p[0], &c, 1) != 0) {}
    pthread_cleanup_pop(0);
    return NULL;
}

TEST(in_a_blocking_call) {
    pthread_t t;
    void *result;
    MUST(pipe(p));
    CHECK_EQ(pthread_create(&t, NULL, reader, NULL), 0);
    CHECK(EVENTUALLY(started));
    sleep_ms(5);
    CHECK_EQ(pthread_cancel(t), 0);
    CHECK_EQ(pthread_join(t, &result), 0);
    CHECK(result == PTHREAD_CANCELED);
    CHECK_EQ(cleaned, 1);
}

static void *spinner(void *arg) {
    (void)arg;
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    started = 1;
    for (;;) spins++;
    return NULL;
}
TEST(asynchronously_out_of_a_loop) {
    pthread_t t;
    void *result;
    started = 0;
    CHECK_EQ(pthread_create(&t, NULL, spinner, NULL), 0);
    CHECK(EVENTUALLY(started));
    CHECK_EQ(pthread_cancel(t), 0);
    CHECK_EQ(pthread_join(t, &result), 0);
    CHECK(result == PTHREAD_CANCELED);
}

static void *disabled(void *arg) {
    (void)arg;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    started = 1;
    sleep_ms(20);
    return (void *)77;
}
TEST(not_while_disabled) {
    pthread_t t;
    void *result;
    started = 0;
    CHECK_EQ(pthread_create(&t, NULL, disabled, NULL), 0);
    CHECK(EVENTUALLY(started));
    CHECK_EQ(pthread_cancel(t), 0);
    CHECK_EQ(pthread_join(t, &result), 0);
    CHECK_EQ(result, 77);
}
