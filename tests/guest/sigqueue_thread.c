// rt_tgsigqueueinfo() queues a value to one thread; pthread_sigqueue(3).
// syscalls: rt_tgsigqueueinfo
// needs: threads
#include "ktap.h"
#include <pthread.h>

static volatile int value, by, code, ready, stop;
static void on_signal(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)context;
    value = info->si_value.sival_int;
    code = info->si_code;
    by = gettid();
}
static void *body(void *arg) {
    *(int *)arg = gettid();
    ready = 1;
    while (!stop) sleep_ms(1);
    return NULL;
}

TEST(value_to_a_thread) {
    struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    pthread_t t;
    int tid;
    MUST(sigaction(SIGRTMIN, &sa, NULL));
    CHECK_EQ(pthread_create(&t, NULL, body, &tid), 0);
    CHECK(EVENTUALLY(ready));
    CHECK_EQ(pthread_sigqueue(t, SIGRTMIN, (union sigval){.sival_int = 321}), 0);
    CHECK(EVENTUALLY(value == 321));
    CHECK_EQ(by, tid);
    CHECK_EQ(code, SI_QUEUE);
    stop = 1;
    CHECK_EQ(pthread_join(t, NULL), 0);
}

TEST(errors) {
    siginfo_t info = {.si_code = SI_QUEUE};
    CHECK_ERR(syscall(SYS_rt_tgsigqueueinfo, getpid(), 999999999, SIGRTMIN, &info), ESRCH);
    CHECK_ERR(syscall(SYS_rt_tgsigqueueinfo, 0, gettid(), SIGRTMIN, &info), EINVAL);
    info.si_code = SI_USER;
    CHECK_ERR(syscall(SYS_rt_sigqueueinfo, getppid(), 0, &info), EPERM);
}
