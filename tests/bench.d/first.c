// The shortest program: its first instruction reads the time-stamp counter, which goes to
// stdout as eight raw bytes. With an argument it then sleeps until it is killed (idle memory).
// No libc: nothing runs before the first instruction but the kernel that loaded it.

#include <asm/unistd.h>

__asm__(".globl _start\n"
        "_start:\n"
        "    rdtsc\n"
        "    shl $32, %rdx\n"
        "    or %rdx, %rax\n"
        "    mov %rax, %rdi\n"
        "    mov (%rsp), %rsi\n" // argc
        "    and $-16, %rsp\n"
        "    call report\n");

static long call3(long number, long a, long b, long c)
{
    __asm__ volatile("syscall" : "+a"(number) : "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return number;
}

__attribute__((noreturn, used)) void report(unsigned long tsc, long argc)
{
    int failed = call3(__NR_write, 1, (long)&tsc, sizeof tsc) != sizeof tsc;
    if (argc > 1)
        call3(__NR_pause, 0, 0, 0);
    for (;;)
        call3(__NR_exit_group, failed, 0, 0);
}
