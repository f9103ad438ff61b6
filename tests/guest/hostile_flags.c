// DF, AC, NT and TF set at a system call neither harm the kernel nor get lost; syscalls(2).
// syscalls: getppid
#include "ktap.h"

// Makes a system call with `set` in rflags; the flags seen just after it.
static uint64_t call_with(uint64_t set, long number, long *result) {
    uint64_t after;
    __asm__ volatile(
        "pushfq\n mov (%%rsp), %%rbx\n or %[set], (%%rsp)\n popfq\n"
        "syscall\n"
        "pushfq\n pop %[after]\n push %%rbx\n popfq"
        : [after] "=&r"(after), "=a"(*result)
        : [set] "r"(set), "a"(number), "D"(0)
        : "rbx", "rcx", "r11", "memory", "cc");
    return after;
}

TEST(direction) {
    long r;
    for (int i = 0; i < 100; i++) {
        CHECK(call_with(0x400, SYS_getppid, &r) & 0x400);
        CHECK_EQ(r, getppid());
    }
}

TEST(direction_while_the_kernel_copies) {
    struct utsname u;
    long r;
    __asm__ volatile("std\n syscall\n cld" : "=a"(r) : "a"(SYS_uname), "D"(&u) : "rcx", "r11", "memory");
    CHECK_EQ(r, 0);
    CHECK(strcmp(u.sysname, "Linux") == 0);
    CHECK(strcmp(u.machine, "x86_64") == 0);
}

TEST(alignment_check) {
    long r;
    for (int i = 0; i < 100; i++) {
        CHECK(call_with(0x40000, SYS_getppid, &r) & 0x40000);
        CHECK_EQ(r, getppid());
    }
}

TEST(nested_task) {
    long r;
    CHECK(call_with(0x4000, SYS_getppid, &r) & 0x4000);
    CHECK_EQ(r, getppid());
}

TEST(arithmetic_flags) {
    long r;
    uint64_t after = call_with(0x8d5, SYS_getppid, &r);
    CHECK_EQ(after & 0x8d5, 0x8d5);
}

static volatile int traps;
static void on_trap(int sig) { (void)sig, traps++; }
TEST(trap_flag) {
    long r;
    signal(SIGTRAP, on_trap);
    __asm__ volatile(
        "pushfq\n orq $0x100, (%%rsp)\n popfq\n syscall\n nop\n pushfq\n andq $~0x100, (%%rsp)\n popfq"
        : "=a"(r)
        : "a"(SYS_getppid)
        : "rcx", "r11", "memory", "cc");
    CHECK_EQ(r, getppid());
    CHECK(traps == 4 || traps == 5);  // whether the call itself counts depends on the way back
}
