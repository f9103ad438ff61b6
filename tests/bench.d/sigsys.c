// The host's bare SIGSYS round trip: sigsys BUDGET_MS. A system call under Syscall User
// Dispatch, a handler that only sets the result, rt_sigreturn from the exempt range. This is
// the floor of every kernel that traps its guests this way. Prints ns per round trip.

#include "bench.h"
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_ON 1
#endif

// The signal's restorer is the exempt range: dispatching its call would trap for ever.
void restorer(void);
extern const char restorer_end[];
__asm__(".globl restorer, restorer_end\n"
        "restorer:\n"
        "    mov $15, %eax\n" // rt_sigreturn
        "    syscall\n"
        "restorer_end:\n");

struct kernel_sigaction {
    void (*handler)(int, siginfo_t *, void *);
    unsigned long flags;
    void (*restorer)(void);
    unsigned long mask;
};

enum { ALLOW = 0, BLOCK = 1, SA_RESTORER_FLAG = 0x04000000, RESULT = 12345 };
static volatile char selector = ALLOW;

static void answer(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)info;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RAX] = RESULT;
}

static long round_trips(long n)
{
    selector = BLOCK;
    long right = 0;
    for (long i = 0; i < n; i++) {
        long result = SYS_getppid;
        __asm__ volatile("syscall" : "+a"(result) : : "rcx", "r11", "memory");
        right += result == RESULT;
    }
    selector = ALLOW;
    MUST(right == n);
    return n;
}

int main(int argc, char **argv)
{
    MUST(argc == 2);
    struct kernel_sigaction action = {answer, SA_SIGINFO | SA_RESTORER_FLAG, restorer, 0};
    MUST(syscall(SYS_rt_sigaction, SIGSYS, &action, NULL, 8) == 0);
    // One past the call itself: the address that is compared is the one after `syscall`.
    if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, restorer,
              restorer_end - (const char *)restorer + 1, &selector) != 0)
        not_available("syscall user dispatch");
    printf("%.2f\n", ns_per_unit(round_trips, atol(argv[1])));
    return 0;
}
