// Every register holds across every system call: each number with arguments that are refused, and the usual calls with arguments
// that do something; from patched sites and sites that trap, under ticks, beside a thread and a child that change all; syscalls(2).
// syscalls: clone fork gettid timer_create
// needs: threads
#include "registers.h"
#include "useful_calls.h"
#include <pthread.h>
#include <sched.h>

enum { NUMBERS = 463 };
static const struct {
    int number;
    const char *why;
} left_out[] = {
    {SYS_exit, "does not return"},
    {SYS_exit_group, "does not return"},
    {SYS_rt_sigreturn, "loads all registers"},
    {SYS_fork, "a useful call"},
    {SYS_vfork, "the child would return first, on the parent's stack; register_calls makes one with a stack of its own"},
    {SYS_pause, "waits; register_calls interrupts it"},
    {SYS_sync, "writes back all disks of the host; sync_all makes it"},
    {SYS_vhangup, "takes the caller's terminal away"},
    {SYS_set_tid_address, "takes no bad address; a useful call"},
    {335, "uretprobe: SIGILL but from the kernel's own trampoline"},
    {336, "uprobe: likewise"},
    {SYS_msgget, "-1 makes a queue that stays; a useful call"},
};
static int is_left_out(int number) {
    for (unsigned i = 0; i < sizeof left_out / sizeof left_out[0]; i++)
        if (left_out[i].number == number) return 1;
    return 0;
}

static void refused_calls(void) {
    for (int number = 0; number < NUMBERS; number++) {
        for (int i = 0; i < 2 && !is_left_out(number); i++) {
            long r = HELD(number, -1, -1, -1, -1, -1, -1);
            // The two that take -1 for a good argument and open something; the mask of umask(2) is put back.
            if ((number == SYS_inotify_init || number == SYS_eventfd) && r >= 0) close(r);
            if (number == SYS_umask) umask(022);
        }
    }
}
static void every_call(void) {
    refused_calls();
    useful_calls();
    useful_calls();
}

// The number of rounds can be given: `register_every run N`.
ROLE(run) {
    begin_useful_calls("run");
    for (int i = atoi(ktap_argv[2]); i > 0 && !ktap_failed; i--) every_call();
}

TEST(alone) {
    expect_success = 1;
    begin_useful_calls("alone");
    every_call();
    expect_success = 0;
    end_useful_calls();
}

// A page that may be written keeps its instructions: no call on it is anything but a trap.
TEST(from_a_writable_page) {
    begin_useful_calls("writable");
    char *page = (char *)((uintptr_t)round_trip & -4096);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(mprotect(page, 8192, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
        every_call();
        CHECK_EQ(mprotect(page, 8192, PROT_READ | PROT_EXEC), 0);
        every_call();
    }
    end_useful_calls();
}

static volatile int ticks;
static void tick(int sig) {
    (void)sig;
    ticks++;
    dirty();
}
// Some rounds: until there were so many ticks, but for no longer than a second.
static void rounds_under_ticks(void) {
    struct sigaction sa = {.sa_handler = tick};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
    struct itimerspec often = {{0, 1000000}, {0, 1000000}};
    timer_t timer;
    MUST(sigaction(SIGRTMIN, &sa, NULL));
    MUST(timer_create(CLOCK_MONOTONIC, &event, &timer));
    MUST(timer_settime(timer, 0, &often, NULL));
    ticks = 0;
    for (int64_t end = now_ns() + 1000000000; ticks < 150 && now_ns() < end && !ktap_failed;) every_call();
    CHECK_EQ(timer_delete(timer), 0);
    CHECK(ticks > 10);
}
TEST(under_ticks_whose_handler_dirties_everything) {
    begin_useful_calls("ticks");
    rounds_under_ticks();
    end_useful_calls();
}

static volatile int stop;
static void *dirty_thread(void *unused) {
    while (!stop) dirty(), sched_yield();
    return unused;
}
TEST(beside_a_thread_that_dirties_everything) {
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, dirty_thread, NULL), 0);
    begin_useful_calls("thread");
    for (int i = 0; i < 10; i++) every_call();
    rounds_under_ticks();
    end_useful_calls();
    stop = 1;
    CHECK_EQ(pthread_join(thread, NULL), 0);
}

TEST(in_a_parent_and_its_child_at_once) {
    pid_t pid = fork_child();
    begin_useful_calls(pid ? "parent" : "child");
    for (int i = 0; i < 5; i++) every_call();
    rounds_under_ticks();
    end_useful_calls();
    if (pid == 0) leave();
    CHECK_CHILD(pid);
}
