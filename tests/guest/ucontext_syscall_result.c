// A handler that interrupts a blocked call may replace the call's result in rax; sigreturn(2).
// syscalls: rt_sigreturn read
#include "ktap.h"
#include <sys/time.h>
#include <ucontext.h>

static volatile long seen;
static void replace(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)info;
    greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    seen = r[REG_RAX];
    r[REG_RAX] = 12345;
}

static void arm(int flags) {
    struct sigaction sa = {.sa_sigaction = replace, .sa_flags = SA_SIGINFO | flags};
    MUST(sigaction(SIGALRM, &sa, NULL));
    struct itimerval t = {.it_value = {0, 10000}};
    MUST(setitimer(ITIMER_REAL, &t, NULL));
}

TEST(the_frame_holds_minus_eintr) {
    int p[2];
    char c;
    MUST(pipe(p));
    arm(0);
    CHECK_EQ(read(p[0], &c, 1), 12345);
    CHECK_EQ(seen, -EINTR);
}

TEST(with_restart_the_frame_holds_the_call_again) {
    int p[2];
    char c;
    MUST(pipe(p));
    seen = -1;
    arm(SA_RESTART);
    // rax = 12345 with rip back at the syscall instruction: an unknown call
    CHECK_ERR(read(p[0], &c, 1), ENOSYS);
    CHECK_EQ(seen, SYS_read);
}
