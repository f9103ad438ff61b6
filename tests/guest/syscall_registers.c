// A system call changes rax, rcx and r11 only; rcx is the return address, r11 the flags; syscall(2).
// syscalls: getppid
#include "ktap.h"

uint64_t in[16], out[16];  // not static: the assembly names them
// Loads all registers from `in`, makes the call in in[0], and stores them all to `out`.
void all_registers(void);
__asm__(
    ".text\n.type all_registers,@function\nall_registers:\n"
    "push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n"
    "mov in+0(%rip), %rax\n mov in+8(%rip), %rbx\n mov in+16(%rip), %rcx\n mov in+24(%rip), %rdx\n"
    "mov in+32(%rip), %rsi\n mov in+40(%rip), %rdi\n mov in+48(%rip), %rbp\n"
    "mov in+64(%rip), %r8\n mov in+72(%rip), %r9\n mov in+80(%rip), %r10\n mov in+88(%rip), %r11\n"
    "mov in+96(%rip), %r12\n mov in+104(%rip), %r13\n mov in+112(%rip), %r14\n mov in+120(%rip), %r15\n"
    "mov %rsp, saved_rsp(%rip)\n syscall\n.globl after_call\nafter_call:\n"
    "mov %rax, out+0(%rip)\n mov %rbx, out+8(%rip)\n mov %rcx, out+16(%rip)\n mov %rdx, out+24(%rip)\n"
    "mov %rsi, out+32(%rip)\n mov %rdi, out+40(%rip)\n mov %rbp, out+48(%rip)\n mov %rsp, out+56(%rip)\n"
    "mov %r8, out+64(%rip)\n mov %r9, out+72(%rip)\n mov %r10, out+80(%rip)\n mov %r11, out+88(%rip)\n"
    "mov %r12, out+96(%rip)\n mov %r13, out+104(%rip)\n mov %r14, out+112(%rip)\n mov %r15, out+120(%rip)\n"
    "pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n ret\n"
    ".bss\nsaved_rsp: .quad 0\n.text\n");
extern char after_call[];

static void call(long number) {
    for (int i = 0; i < 16; i++) in[i] = 0x0101010101010101ULL * (i + 1) ^ 0x8000000000000000;
    in[0] = number;
    all_registers();
    for (int i = 1; i < 16; i++)
        if (i != 2 && i != 7 && i != 11) EXPECT_EQ(out[i], in[i]);
    EXPECT_EQ(out[2], (uintptr_t)after_call);
    EXPECT_EQ(out[11] & 0x202, 0x202);
}

TEST(quick_call) {
    for (int i = 0; i < 1000; i++) {
        call(SYS_getppid);
        CHECK_EQ(out[0], getppid());
    }
}

TEST(yielding_call) {
    for (int i = 0; i < 100; i++) {
        call(SYS_sched_yield);
        CHECK_EQ(out[0], 0);
    }
}

TEST(failing_call) {
    call(SYS_close);
    CHECK_EQ(out[0], -EBADF);
}

TEST(unknown_call) {
    call(4000);
    CHECK_EQ(out[0], -ENOSYS);
}
