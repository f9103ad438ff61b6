// Masks are per thread; a directed signal runs in its thread, a process signal in one that takes it; pthread_kill(3).
// syscalls: tgkill tkill rt_sigprocmask
// build: static musl
// needs: threads
#include "ktap.h"
#include <pthread.h>

static volatile int handled_by, stop, ready;
static void on_signal(int sig) { (void)sig, handled_by = gettid(); }
static void *body(void *arg) {
    *(int *)arg = gettid();
    ready = 1;
    while (!stop) sleep_ms(1);
    return NULL;
}

static pthread_t t;
static volatile int tid;

TEST(directed) {
    signal(SIGUSR1, on_signal);
    CHECK_EQ(pthread_create(&t, NULL, body, (void *)&tid), 0);
    CHECK(EVENTUALLY(ready));
    CHECK_EQ(pthread_kill(t, SIGUSR1), 0);
    CHECK(EVENTUALLY(handled_by == tid));
    handled_by = 0;
    CHECK_EQ(syscall(SYS_tkill, tid, SIGUSR1), 0);
    CHECK(EVENTUALLY(handled_by == tid));
}

TEST(process_signal_goes_to_the_willing_thread) {
    sigset_t set, now;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    handled_by = 0;
    CHECK_EQ(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
    CHECK_EQ(kill(getpid(), SIGUSR1), 0);
    CHECK(EVENTUALLY(handled_by == tid));
    CHECK_EQ(pthread_sigmask(SIG_SETMASK, NULL, &now), 0);
    CHECK(sigismember(&now, SIGUSR1));
}

TEST(directed_pending_stays_with_its_thread) {
    sigset_t pending;
    handled_by = 0;
    CHECK_EQ(syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1), 0);
    sleep_ms(5);
    CHECK_EQ(handled_by, 0);
    MUST(sigpending(&pending));
    CHECK(sigismember(&pending, SIGUSR1));
    stop = 1;
    CHECK_EQ(pthread_join(t, NULL), 0);
}

TEST(errors) {
    CHECK(EVENTUALLY(syscall(SYS_tgkill, getpid(), tid, 0) == -1 && errno == ESRCH));
    CHECK_ERR(syscall(SYS_tgkill, -1, 1, 0), EINVAL);
    CHECK_ERR(syscall(SYS_tkill, 0, 0), EINVAL);
}
