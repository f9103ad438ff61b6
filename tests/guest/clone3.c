// clone3() takes its arguments from a struct; clone(2).
// syscalls: clone3
#include "ktap.h"
#include <linux/sched.h>

static char stack[65536] __attribute__((aligned(16)));
static volatile int pid_inside;

static __attribute__((noinline)) long start(struct clone_args *args, size_t size) {
    long r;
    __asm__ volatile(
        "syscall\n test %%rax, %%rax\n jnz 1f\n"
        "mov $39, %%eax\n syscall\n mov %%eax, pid_inside(%%rip)\n"
        "mov $6, %%edi\n mov $60, %%eax\n syscall\n 1:"
        : "=a"(r)
        : "a"(SYS_clone3), "D"(args), "S"(size)
        : "rcx", "r11", "memory");
    return r;
}

TEST(process_with_its_own_stack) {
    struct clone_args args = {.flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD, .stack = (uintptr_t)stack, .stack_size = sizeof stack};
    long pid = start(&args, sizeof args);
    CHECK(pid > 0);
    CHECK_EQ(pid_inside, pid);
    CHECK_EQ(wait_status(pid), EXITED(6));
}

TEST(size_is_checked) {
    struct clone_args args = {.flags = CLONE_VM};
    CHECK_EQ(start(&args, 8), -EINVAL);
    CHECK_EQ(start((void *)8, 64), -EFAULT);
}
