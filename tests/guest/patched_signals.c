// Signals that arrive during many calls find rip in the program's own text, and the calls undisturbed; setitimer(2).
// syscalls: setitimer getppid rt_sigreturn
// build: static dynamic musl
#include "ktap.h"
#include <sys/time.h>
#include <ucontext.h>

enum { RANGES = 32 };
static uint64_t text[RANGES][2];
static int ranges;
static volatile int signals, strange;
static volatile uint64_t strange_rip;

static void find_text(void) {
    char *line = get_file("/proc/self/maps"), *rest;
    for (ranges = 0; *line && ranges < RANGES; line = strchr(line, '\n') + 1) {
        uint64_t start = strtoul(line, &rest, 16), end = strtoul(rest + 1, &rest, 16);
        if (rest[3] == 'x') text[ranges][0] = start, text[ranges++][1] = end;
    }
}
static void look(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)info;
    uint64_t rip = ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    signals++;
    for (int i = 0; i < ranges; i++)
        if (rip >= text[i][0] && rip < text[i][1]) return;
    strange++, strange_rip = rip;
}

// Two calls whose neighbours are moved on both sides, in a tight loop; the sum is lost if a step is skipped or repeated.
static long __attribute__((noinline)) calls(long rounds) {
    long sum = 0;
    __asm__ volatile("1: add $1, %0\n mov $110, %%eax\n syscall\n add $2, %0\n"
                     "lea 3(%0), %0\n mov $110, %%al\n movzx %%al, %%eax\n syscall\n lea 4(%0), %0\n"
                     "dec %1\n jnz 1b\n" : "+r"(sum), "+r"(rounds) : : "rax", "rcx", "r11", "memory", "cc");
    return sum;
}

static void storm(int which, int sig, int wanted) {
    struct sigaction sa = {.sa_sigaction = look, .sa_flags = SA_SIGINFO | SA_RESTART};
    MUST(sigaction(sig, &sa, NULL));
    find_text();
    CHECK(ranges > 0);
    struct itimerval often = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
    signals = strange = 0;
    MUST(setitimer(which, &often, NULL));
    int64_t give_up = now_ns() + 4000000000LL;
    while (signals < wanted && now_ns() < give_up)
        if (!EXPECT_EQ(calls(1000), 10000)) break;
    MUST(setitimer(which, &never, NULL));
    CHECK(signals > wanted / 10);
    if (strange) say("# rip %lx\n", (long)strange_rip);
    CHECK_EQ(strange, 0);
}
TEST(real_time) { storm(ITIMER_REAL, SIGALRM, 1000); }
TEST(processor_time) { storm(ITIMER_PROF, SIGPROF, 200); }

static volatile int interrupted;
static void interrupt(int sig) { (void)sig, interrupted++; }
TEST(a_patched_read_is_restarted_or_ends) {
    int p[2];
    MUST(pipe(p));
    struct itimerval soon = {{0, 0}, {0, 20000}};
    char c;
    for (int i = 0; i < 8; i++) {
        struct sigaction sa = {.sa_handler = interrupt, .sa_flags = i % 2 ? SA_RESTART : 0};
        MUST(sigaction(SIGALRM, &sa, NULL));
        interrupted = 0;
        MUST(setitimer(ITIMER_REAL, &soon, NULL));
        if (i % 2) {
            // Restarted: something must be there to be read in the end.
            pid_t writer = MUST(vfork());
            if (writer == 0) {
                struct timespec later = {0, 60000000};
                syscall(SYS_nanosleep, &later, NULL);
                syscall(SYS_write, p[1], "x", 1);
                _exit(0);
            }
            CHECK_EQ(read(p[0], &c, 1), 1);
            CHECK_EQ(wait_status(writer), 0);
        } else {
            CHECK_ERR(read(p[0], &c, 1), EINTR);
            CHECK_EQ(interrupted, 1);
        }
    }
}
