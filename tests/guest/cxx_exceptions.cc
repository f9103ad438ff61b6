// C++ exceptions: thrown and caught, and thrown by handlers of signals that hit a system call, at every instruction around it;
// signal(7), sigaction(2), "-fnon-call-exceptions" of gcc(1).
// syscalls: rt_sigaction rt_sigreturn setitimer read getppid
// build: dynamic static
// flags: -fnon-call-exceptions -fasynchronous-unwind-tables
#include "ktap.h"
#include <sys/time.h>
#include <ucontext.h>
#include <unwind.h>

static int destroyed;
struct Guard {
    ~Guard() { destroyed++; }
};
struct Failure {
    int code;
};

static void __attribute__((noinline)) descend(int depth, int code) {
    Guard guard;
    if (depth == 0) throw Failure{code};
    descend(depth - 1, code);
    __asm__ volatile("");
}
TEST(thrown_through_frames) {
    for (int i = 0; i < 100; i++) {
        destroyed = 0;
        int caught = -1;
        try {
            descend(10, i);
        } catch (const Failure &f) {
            caught = f.code;
        }
        CHECK_EQ(caught, i);
        CHECK_EQ(destroyed, 11);
    }
}

// The ticks go on: one that does not hit what it is meant for does nothing. The handler leaves with its signal unblocked.
static void on_alarm(void (*handler)(int, siginfo_t *, void *), int every_us) {
    struct sigaction sa = {};
    sa.sa_sigaction = handler;
    sa.sa_flags = SA_SIGINFO | SA_NODEFER;
    MUST(sigaction(SIGALRM, &sa, NULL));
    struct itimerval often = {{0, every_us}, {0, every_us}};
    MUST(setitimer(ITIMER_REAL, &often, NULL));
}

// Whether the signal ended a call that waited, and did not hit on the way there.
static int ended_a_call(void *context) { return ((ucontext_t *)context)->uc_mcontext.gregs[REG_RAX] == -EINTR; }

static volatile int thrown;
static void throw_out_of_a_call(int, siginfo_t *, void *context) {
    if (ended_a_call(context)) throw Failure{++thrown};
}
static int empty[2];
static void __attribute__((noinline)) wait_for_a_byte(void) {
    Guard guard;
    char byte;
    if (read(empty[0], &byte, 1) >= 0) _exit(90);
}
TEST(thrown_out_of_a_blocked_call) {
    MUST(pipe(empty));
    on_alarm(throw_out_of_a_call, 4000);
    thrown = destroyed = 0;
    for (int i = 1; i <= 25; i++) {
        int caught = -1;
        try {
            wait_for_a_byte();
        } catch (const Failure &f) {
            caught = f.code;
        }
        CHECK_EQ(caught, i);
    }
    CHECK_EQ(destroyed, 25);
    on_alarm(throw_out_of_a_call, 0);
}

// Calls with neighbours of all lengths on both sides. The labels are those of the only copy.
extern "C" char calls_begin[], calls_end[];
static void __attribute__((noinline, noclone)) calls(volatile long *count) {
    __asm__ volatile("calls_begin:\n"
                     "1: mov $110, %%eax\n syscall\n incq %0\n"
                     "mov $110, %%al\n movzx %%al, %%eax\n syscall\n lea 0(%%rcx), %%rcx\n"
                     "xor %%eax, %%eax\n mov $110, %%al\n syscall\n nop\n jmp 1b\n"
                     "calls_end:\n" : "+m"(*count) : : "rax", "rcx", "r11", "memory", "cc");
}
static void __attribute__((noinline)) guarded_calls(volatile long *count) {
    Guard guard;
    calls(count);
}
static volatile int hits;
static void throw_at_a_call(int, siginfo_t *, void *context) {
    char *rip = (char *)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    if (rip >= calls_begin && rip < calls_end) throw Failure{++hits};
}
TEST(thrown_at_any_instruction_around_calls) {
    volatile long count = 0;
    on_alarm(throw_at_a_call, 500);
    destroyed = hits = 0;
    for (int i = 1; i <= 500; i++) {
        int caught = -1;
        try {
            guarded_calls(&count);
        } catch (const Failure &f) {
            caught = f.code;
        }
        CHECK_EQ(caught, i);
        CHECK_EQ(destroyed, i);
    }
    CHECK(count > 0);
    on_alarm(throw_at_a_call, 0);
}

enum { DEEP = 64 };
static void *frames[DEEP];
static volatile int depth, looks;
static _Unwind_Reason_Code note_frame(struct _Unwind_Context *context, void *) {
    if (depth < DEEP) frames[depth++] = (void *)_Unwind_GetIP(context);
    return _URC_NO_REASON;
}
static void look_out_of_a_call(int, siginfo_t *, void *context) {
    if (!ended_a_call(context)) return;
    depth = 0;
    _Unwind_Backtrace(note_frame, NULL);
    looks++;
}
static void *volatile caller;
static void __attribute__((noinline)) wait_and_be_seen(void) {
    char byte;
    caller = __builtin_return_address(0);
    EXPECT_ERR(read(empty[0], &byte, 1), EINTR);
    __asm__ volatile("");
}
// From the handler to _start; the same frames whether the call trapped (the first) or not.
TEST(unwinder_walks_out_of_a_call) {
    void *first[DEEP] = {};
    int first_depth = 0;
    on_alarm(look_out_of_a_call, 4000);
    looks = 0;
    for (int i = 0; i < 25; i++) {
        wait_and_be_seen();
        int found = 0;
        for (int k = 0; k < depth; k++) found |= frames[k] == caller;
        CHECK(found);
        CHECK(depth >= 6 && depth < DEEP);
        if (!first_depth) memcpy(first, frames, sizeof first), first_depth = depth;
        CHECK_EQ(depth, first_depth);
        CHECK(memcmp(first, frames, depth * sizeof first[0]) == 0);
    }
    CHECK_EQ(looks, 25);
    on_alarm(look_out_of_a_call, 0);
}
