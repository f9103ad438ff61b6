// What a forked child inherits of signals and timers, and what it does not; fork(2), signal(7).
// syscalls: fork rt_sigaction rt_sigprocmask rt_sigpending setitimer alarm timer_create
// build: static musl
#include "ktap.h"
#include <sys/prctl.h>
#include <sys/time.h>

static volatile int caught, data;
static void catch(int sig) { caught = sig; }

TEST(dispositions_and_mask) {
    struct sigaction sa = {.sa_handler = catch, .sa_flags = SA_RESTART | SA_NODEFER}, now;
    sigset_t mask, old;
    sigaddset(&sa.sa_mask, SIGHUP);
    MUST(sigaction(SIGUSR1, &sa, NULL));
    signal(SIGUSR2, SIG_IGN);
    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    MUST(sigprocmask(SIG_BLOCK, &mask, &old));
    pid_t pid = fork_child();
    if (pid == 0) {
        MUST(sigaction(SIGUSR1, NULL, &now));
        EXPECT(now.sa_handler == catch && (now.sa_flags & (SA_RESTART | SA_NODEFER)) == (SA_RESTART | SA_NODEFER));
        EXPECT(sigismember(&now.sa_mask, SIGHUP));
        EXPECT(signal(SIGUSR2, SIG_DFL) == SIG_IGN);
        MUST(sigprocmask(SIG_SETMASK, &old, &mask));
        EXPECT(sigismember(&mask, SIGTERM));
        raise(SIGUSR1);
        EXPECT_EQ(caught, SIGUSR1);
        signal(SIGUSR1, SIG_DFL);
        leave();
    }
    CHECK_CHILD(pid);
    CHECK_EQ(caught, 0);
    MUST(sigaction(SIGUSR1, NULL, &now));
    CHECK(now.sa_handler == catch);
    CHECK(signal(SIGUSR2, SIG_DFL) == SIG_IGN);
    MUST(sigprocmask(SIG_SETMASK, &old, &mask));
    CHECK(sigismember(&mask, SIGTERM));
}

TEST(pending_is_not_inherited) {
    sigset_t mask, pending;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    MUST(sigprocmask(SIG_BLOCK, &mask, NULL));
    raise(SIGUSR1);
    MUST(kill(getpid(), SIGUSR1));
    pid_t pid = fork_child();
    if (pid == 0) {
        MUST(sigpending(&pending));
        EXPECT(!sigismember(&pending, SIGUSR1));
        leave();
    }
    CHECK_CHILD(pid);
    MUST(sigpending(&pending));
    CHECK(sigismember(&pending, SIGUSR1));
    signal(SIGUSR1, SIG_IGN);
    MUST(sigprocmask(SIG_UNBLOCK, &mask, NULL));
}

TEST(timers_are_not_inherited) {
    struct itimerval soon = {.it_value = {100, 0}}, now;
    struct sigevent event = {.sigev_notify = SIGEV_NONE};
    struct itimerspec spec;
    timer_t timer;
    MUST(setitimer(ITIMER_REAL, &soon, NULL));
    MUST(setitimer(ITIMER_VIRTUAL, &soon, NULL));
    MUST(timer_create(CLOCK_MONOTONIC, &event, &timer));
    pid_t pid = fork_child();
    if (pid == 0) {
        MUST(getitimer(ITIMER_REAL, &now));
        EXPECT(now.it_value.tv_sec == 0 && now.it_value.tv_usec == 0);
        MUST(getitimer(ITIMER_VIRTUAL, &now));
        EXPECT(now.it_value.tv_sec == 0 && now.it_value.tv_usec == 0);
        EXPECT_EQ(alarm(0), 0);
        EXPECT_ERR(timer_gettime(timer, &spec), EINVAL);
        leave();
    }
    CHECK_CHILD(pid);
    MUST(getitimer(ITIMER_REAL, &now));
    CHECK(now.it_value.tv_sec >= 90);
    CHECK_EQ(timer_gettime(timer, &spec), 0);
    CHECK(alarm(0) >= 90);
    struct itimerval none = {0};
    MUST(setitimer(ITIMER_VIRTUAL, &none, NULL));
    timer_delete(timer);
}

// Each catches its own alarm, on its own data.
TEST(alarms_of_both) {
    signal(SIGALRM, catch);
    caught = 0;
    pid_t pid = fork_child();
    struct itimerval soon = {.it_value = {0, pid ? 30000 : 10000}};
    data = pid ? 1 : 2;
    MUST(setitimer(ITIMER_REAL, &soon, NULL));
    while (!caught) data = data;
    EXPECT_EQ(caught, SIGALRM);
    EXPECT_EQ(data, pid ? 1 : 2);
    if (pid == 0) leave();
    CHECK_CHILD(pid);
}

// A frame on the stack of a process that another one's stack lies over.
static volatile int frames;
static void count(int sig) {
    char deep[2000];
    memset(deep, sig, sizeof deep);
    frames++;
    for (unsigned i = 0; i < sizeof deep; i++) EXPECT_EQ(deep[i], sig);
}
TEST(signals_both_ways) {
    signal(SIGUSR1, count);
    frames = 0;
    pid_t parent = getpid(), pid = fork_child(), other = pid ? pid : parent;
    char local[3000];
    memset(local, pid ? 'p' : 'c', sizeof local);
    for (int i = 1; i <= 200; i++) {
        // In turns, so that no two signals become one.
        if (pid) MUST(kill(other, SIGUSR1));
        while (frames < i) {}
        if (!pid) MUST(kill(other, SIGUSR1));
        for (unsigned k = 0; k < sizeof local; k++) CHECK_EQ(local[k], pid ? 'p' : 'c');
    }
    if (pid == 0) leave();
    CHECK_CHILD(pid);
    CHECK_EQ(frames, 200);
    signal(SIGUSR1, SIG_DFL);
}

TEST(alternate_stack_is_inherited) {
    static char stack[32768];
    stack_t set = {.ss_sp = stack, .ss_size = sizeof stack}, now;
    MUST(sigaltstack(&set, NULL));
    pid_t pid = fork_child();
    if (pid == 0) {
        MUST(sigaltstack(NULL, &now));
        EXPECT(now.ss_sp == stack && now.ss_size == sizeof stack);
        leave();
    }
    CHECK_CHILD(pid);
}

TEST(death_signal_is_not_inherited) {
    int sig = -1;
    MUST(prctl(PR_SET_PDEATHSIG, SIGUSR2));
    pid_t pid = fork_child();
    if (pid == 0) {
        MUST(prctl(PR_GET_PDEATHSIG, &sig));
        EXPECT_EQ(sig, 0);
        leave();
    }
    CHECK_CHILD(pid);
    MUST(prctl(PR_GET_PDEATHSIG, &sig));
    CHECK_EQ(sig, SIGUSR2);
    MUST(prctl(PR_SET_PDEATHSIG, 0));
}

TEST(death_of_the_parent_is_told) {
    struct gate ready = gate();
    int report[2];
    MUST(pipe(report));
    pid_t middle = fork_child();
    if (middle == 0) {
        if (fork_child() == 0) {
            signal(SIGUSR2, catch);
            caught = 0;
            MUST(prctl(PR_SET_PDEATHSIG, SIGUSR2));
            open_gate(ready);
            for (int i = 0; i < 1000 && !caught; i++) sleep_ms(2);
            MUST(write(report[1], caught == SIGUSR2 ? "y" : "n", 1));
            leave();
        }
        pass_gate(ready);
        leave();
    }
    CHECK_CHILD(middle);
    char answer;
    CHECK_EQ(read(report[0], &answer, 1), 1);
    CHECK_EQ(answer, 'y');
}

TEST(child_is_killed_by_a_group_signal) {
    pid_t leader = fork_child();
    if (leader == 0) {
        setpgid(0, 0);
        pid_t pid = fork_child();
        if (pid == 0)
            for (;;) data = 1;
        signal(SIGTERM, SIG_IGN);
        sleep_ms(5);
        MUST(kill(0, SIGTERM));
        EXPECT_EQ(wait_status(pid), SIGTERM);
        leave();
    }
    CHECK_CHILD(leader);
}
