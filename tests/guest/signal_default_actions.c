// What each signal does without a handler: end the process, or nothing; signal(7).
// syscalls: kill wait4
#include "ktap.h"

ROLE(take) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    kill(getpid(), atoi(ktap_argv[2]));
    _exit(50);
}

static int outcome(int sig) {
    char number[8];
    snprintf(number, sizeof number, "%d", sig);
    return wait_status(SPAWN("take", number)) & ~0x80;
}

TEST(term) {
    int fatal[] = {SIGHUP, SIGINT, SIGKILL, SIGUSR1, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGVTALRM, SIGPROF, SIGIO, SIGPWR, SIGSTKFLT};
    for (unsigned i = 0; i < sizeof fatal / sizeof *fatal; i++) CHECK_EQ(outcome(fatal[i]), fatal[i]);
}

TEST(core) {
    int fatal[] = {SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS, SIGXCPU, SIGXFSZ};
    for (unsigned i = 0; i < sizeof fatal / sizeof *fatal; i++) CHECK_EQ(outcome(fatal[i]), fatal[i]);
}

TEST(real_time) {
    CHECK_EQ(outcome(SIGRTMIN), SIGRTMIN);
    CHECK_EQ(outcome(SIGRTMAX), SIGRTMAX);
}

TEST(ignored) {
    int harmless[] = {SIGCHLD, SIGURG, SIGWINCH, SIGCONT};
    for (unsigned i = 0; i < sizeof harmless / sizeof *harmless; i++) CHECK_EQ(outcome(harmless[i]), EXITED(50));
}
