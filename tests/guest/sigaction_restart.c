// SA_RESTART resumes an interrupted read(); without it read() fails with EINTR; signal(7).
// syscalls: rt_sigaction read setitimer
#include "ktap.h"
#include <sys/time.h>

static int p[2];
static volatile int calls;
static void feed(int sig) {
    (void)sig;
    calls++;
    if (write(p[1], "k", 1) != 1) calls = -100;
}
static void only_count(int sig) { (void)sig, calls++; }

static void arm(int ms) {
    struct itimerval t = {.it_value = {0, ms * 1000}};
    MUST(setitimer(ITIMER_REAL, &t, NULL));
}

TEST(restarted) {
    MUST(pipe(p));
    struct sigaction sa = {.sa_handler = feed, .sa_flags = SA_RESTART};
    MUST(sigaction(SIGALRM, &sa, NULL));
    arm(10);
    char c = 0;
    CHECK_EQ(read(p[0], &c, 1), 1);
    CHECK_EQ(c, 'k');
    CHECK_EQ(calls, 1);
}

TEST(interrupted) {
    struct sigaction sa = {.sa_handler = only_count};
    MUST(sigaction(SIGALRM, &sa, NULL));
    calls = 0;
    arm(10);
    char c;
    CHECK_ERR(read(p[0], &c, 1), EINTR);
    CHECK_EQ(calls, 1);
}

TEST(what_was_transferred_counts_more) {
    char big[100000];
    memset(big, 1, sizeof big);
    arm(10);
    CHECK_EQ(write(p[1], big, sizeof big), 65536);
    CHECK_EQ(calls, 2);
}

TEST(ignored_signal_does_not_interrupt) {
    MUST(close(p[0]) | close(p[1]));
    MUST(pipe(p));
    struct sigaction ignore = {.sa_handler = SIG_IGN}, count = {.sa_handler = feed, .sa_flags = SA_RESTART};
    MUST(sigaction(SIGVTALRM, &ignore, NULL));
    MUST(sigaction(SIGALRM, &count, NULL));
    kill(getpid(), SIGVTALRM);
    arm(10);
    char c;
    CHECK_EQ(read(p[0], &c, 1), 1);
}
