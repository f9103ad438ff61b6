// fork() in a signal handler: both return from it, into the code that it interrupted; fork(2), signal-safety(7).
// syscalls: fork rt_sigreturn rt_sigaction sigaltstack
// build: static musl
#include "ktap.h"
#include <setjmp.h>
#include <sys/time.h>

static volatile pid_t forked;
static volatile int depth;

static void fork_in_handler(int sig) {
    (void)sig;
    forked = fork();
}

static int finish(void) {
    if (forked == 0) _exit(21);
    return wait_status(forked);
}

TEST(both_return) {
    signal(SIGUSR1, fork_in_handler);
    int on_stack = 5;
    raise(SIGUSR1);
    on_stack += forked == 0 ? 10 : 1;
    if (forked == 0) _exit(on_stack);
    CHECK_EQ(wait_status(forked), EXITED(15));
    CHECK_EQ(on_stack, 6);
}

TEST(on_the_alternate_stack) {
    static char stack[65536];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack}, now;
    MUST(sigaltstack(&alternate, NULL));
    struct sigaction sa = {.sa_handler = fork_in_handler, .sa_flags = SA_ONSTACK};
    MUST(sigaction(SIGUSR1, &sa, NULL));
    raise(SIGUSR1);
    MUST(sigaltstack(NULL, &now));
    EXPECT(now.ss_sp == stack && now.ss_flags == 0);
    CHECK_EQ(finish(), EXITED(21));
    alternate.ss_flags = SS_DISABLE;
    MUST(sigaltstack(&alternate, NULL));
}

// Registers of a computation that a timer interrupts survive in both.
TEST(in_the_middle_of_a_computation) {
    signal(SIGALRM, fork_in_handler);
    forked = -1;
    struct itimerval soon = {.it_value = {0, 5000}};
    MUST(setitimer(ITIMER_REAL, &soon, NULL));
    uint64_t sum = 0;
    double x = 1;
    while (forked == -1)
        for (int i = 0; i < 1000; i++) {
            sum += i;
            x = x * 1.5 / 1.5;
        }
    EXPECT_EQ(sum % 499500, 0);
    EXPECT(x == 1);
    if (forked == 0) leave();
    CHECK_CHILD(forked);
}

// A handler for the very fault: the child repairs its own memory only.
static char *guarded;
static void repair(int sig) {
    (void)sig;
    if (depth++ > 3) _exit(9);
    MUST(mprotect(guarded, 4096, PROT_READ | PROT_WRITE));
    forked = fork();
}
TEST(in_the_handler_of_a_fault) {
    guarded = MUST(mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    signal(SIGSEGV, repair);
    depth = 0;
    *(volatile char *)guarded = 'x';
    if (forked == 0) {
        guarded[1] = 'c';
        _exit(guarded[0] == 'x' && depth == 1 ? 21 : 22);
    }
    signal(SIGSEGV, SIG_DFL);
    CHECK_EQ(finish(), EXITED(21));
    CHECK(guarded[0] == 'x' && guarded[1] == 0);
}

// Nested: a handler forks while another one is running, and the child leaves by siglongjmp.
static sigjmp_buf out;
static void outer(int sig) {
    (void)sig;
    raise(SIGUSR2);
    if (forked == 0) siglongjmp(out, 1);
}
TEST(nested_and_left_by_a_jump) {
    signal(SIGUSR1, outer);
    signal(SIGUSR2, fork_in_handler);
    sigset_t mask;
    if (sigsetjmp(out, 1) == 0) raise(SIGUSR1);
    MUST(sigprocmask(SIG_SETMASK, NULL, &mask));
    EXPECT(!sigismember(&mask, SIGUSR1) && !sigismember(&mask, SIGUSR2));
    if (forked == 0) leave();
    CHECK_CHILD(forked);
}

// SIGCHLD's handler of the parent interrupts what it does, not what the child does.
static volatile int seen;
static void child_ended(int sig) {
    (void)sig;
    seen++;
}
TEST(the_childs_end_interrupts) {
    struct sigaction sa = {.sa_handler = child_ended};
    MUST(sigaction(SIGCHLD, &sa, NULL));
    pid_t pid = fork_child();
    if (pid == 0) {
        sleep_ms(20);
        leave();
    }
    struct timespec long_time = {5, 0};
    CHECK_ERR(nanosleep(&long_time, &long_time), EINTR);
    CHECK_EQ(seen, 1);
    CHECK(long_time.tv_sec == 4);
    CHECK_CHILD(pid);
    signal(SIGCHLD, SIG_DFL);
}
