// O_ASYNC sends SIGIO, or the signal of F_SETSIG with the descriptor, when input arrives; fcntl(2).
// syscalls: fcntl
#include "ktap.h"
#include <sys/socket.h>

static volatile int calls, band_fd;
static void on_signal(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)context;
    calls++;
    band_fd = info->si_fd;
}

TEST(input_signals) {
    int s[2];
    char c;
    struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    MUST(sigaction(SIGIO, &sa, NULL) | sigaction(SIGRTMIN, &sa, NULL));
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    CHECK_EQ(fcntl(s[0], F_SETOWN, getpid()), 0);
    CHECK_EQ(fcntl(s[0], F_SETFL, O_ASYNC), 0);
    MUST(write(s[1], "x", 1));
    CHECK(EVENTUALLY(calls >= 1));
    MUST(read(s[0], &c, 1));
    CHECK_EQ(fcntl(s[0], F_SETSIG, SIGRTMIN), 0);
    CHECK_EQ(fcntl(s[0], F_GETSIG), SIGRTMIN);
    MUST(write(s[1], "x", 1));
    CHECK(EVENTUALLY(band_fd == s[0]));
}
