// siginfo tells who sent a signal and how: kill, sigqueue, tgkill; sigaction(2).
// syscalls: rt_sigaction rt_sigqueueinfo tgkill kill
// build: static musl
#include "ktap.h"

static volatile siginfo_t seen;
static volatile int calls;
static void on_signal(int sig, siginfo_t *info, void *context) {
    calls++;
    memcpy((void *)&seen, info, sizeof seen);
    if (info->si_signo != sig || context == NULL) calls = -100;
}

TEST(from_kill) {
    struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    CHECK_EQ(sigaction(SIGUSR1, &sa, NULL), 0);
    CHECK_EQ(kill(getpid(), SIGUSR1), 0);
    CHECK_EQ(calls, 1);
    CHECK_EQ(seen.si_code, SI_USER);
    CHECK_EQ(seen.si_pid, getpid());
    CHECK_EQ(seen.si_uid, getuid());
    CHECK_EQ(seen.si_errno, 0);
}

TEST(from_tgkill) {
    CHECK_EQ(syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1), 0);
    CHECK_EQ(calls, 2);
    CHECK_EQ(seen.si_code, SI_TKILL);
    CHECK_EQ(seen.si_pid, getpid());
}

TEST(from_sigqueue_with_a_value) {
    union sigval v = {.sival_ptr = (void *)0x123456789abc};
    CHECK_EQ(sigqueue(getpid(), SIGUSR1, v), 0);
    CHECK_EQ(calls, 3);
    CHECK_EQ(seen.si_code, SI_QUEUE);
    CHECK_EQ(seen.si_value.sival_ptr, 0x123456789abc);
    CHECK_EQ(seen.si_pid, getpid());
}

TEST(made_up_codes_pass_to_oneself) {
    siginfo_t made = {.si_signo = SIGUSR1, .si_code = -42};
    made.si_value.sival_int = 77;
    CHECK_EQ(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &made), 0);
    CHECK_EQ(calls, 4);
    CHECK_EQ(seen.si_code, -42);
    CHECK_EQ(seen.si_value.sival_int, 77);
}
