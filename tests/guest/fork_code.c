// Code made at run time after fork(): each process runs its own at the same address; fork(2), mprotect(2).
// syscalls: fork mmap mprotect
// build: static musl
#include "ktap.h"

typedef int function(void);
// mov $value, %eax; ret
static void make(unsigned char *at, int value) {
    at[0] = 0xb8;
    memcpy(at + 1, &value, 4);
    at[5] = 0xc3;
}

TEST(writable_code) {
    unsigned char *code = MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    make(code, 1);
    CHECK_EQ(((function *)code)(), 1);
    struct gate child = gate(), parent = gate();
    pid_t pid = fork_child();
    for (int i = 0; i < 100; i++) {
        if (pid == 0) pass_gate(child);
        if (i) CHECK_EQ(((function *)code)(), (pid ? 1000 : 2000) + i - 1);
        make(code, (pid ? 1000 : 2000) + i);
        CHECK_EQ(((function *)code)(), (pid ? 1000 : 2000) + i);
        if (pid == 0) open_gate(parent);
        else {
            open_gate(child);
            pass_gate(parent);
        }
    }
    if (pid == 0) leave();
    CHECK_CHILD(pid);
    MUST(munmap(code, 4096));
}

TEST(protected_in_between) {
    unsigned char *code = MUST(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    make(code, 7);
    make(code + 4096, 8);
    MUST(mprotect(code, 8192, PROT_READ | PROT_EXEC));
    pid_t pid = fork_child();
    if (pid == 0) {
        EXPECT_EQ(((function *)code)(), 7);
        MUST(mprotect(code, 4096, PROT_READ | PROT_WRITE));
        make(code, 70);
        MUST(mprotect(code, 4096, PROT_READ | PROT_EXEC));
        EXPECT_EQ(((function *)code)(), 70);
        EXPECT_EQ(((function *)(code + 4096))(), 8);
        leave();
    }
    CHECK_CHILD(pid);
    CHECK_EQ(((function *)code)(), 7);
    CHECK_EQ(((function *)(code + 4096))(), 8);
    MUST(munmap(code, 8192));
}

// mov $39, %eax (getpid); syscall; ret: the same system call instruction, executed before the fork, by both, and rewritten.
static const unsigned char calls[] = {0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xc3};
TEST(system_call_in_made_code) {
    unsigned char *code = MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    memcpy(code, calls, sizeof calls);
    for (int i = 0; i < 10; i++) CHECK_EQ(((function *)code)(), getpid());
    struct gate rewritten = gate();
    pid_t parent = getpid(), pid = fork_child();
    if (pid == 0) {
        for (int i = 0; i < 10; i++) CHECK_EQ(((function *)code)(), getpid());
        CHECK(memcmp(code, calls, sizeof calls) == 0);
        code[1] = 110; // getppid
        for (int i = 0; i < 10; i++) CHECK_EQ(((function *)code)(), parent);
        make(code, 5);
        CHECK_EQ(((function *)code)(), 5);
        open_gate(rewritten);
        leave();
    }
    pass_gate(rewritten);
    for (int i = 0; i < 10; i++) CHECK_EQ(((function *)code)(), getpid());
    CHECK(memcmp(code, calls, sizeof calls) == 0);
    CHECK_CHILD(pid);
    MUST(munmap(code, 4096));
}

// This program's own text, made writable by the child.
static int __attribute__((noinline, aligned(4096))) own(void) {
    __asm__ volatile("");
    return 31;
}
TEST(own_text) {
    pid_t pid = fork_child();
    if (pid == 0) {
        MUST(mprotect((void *)((uintptr_t)own & -4096), 4096, PROT_READ | PROT_WRITE | PROT_EXEC));
        make((unsigned char *)own, 32);
        EXPECT_EQ(((function *volatile)own)(), 32);
        leave();
    }
    CHECK_CHILD(pid);
    CHECK_EQ(((function *volatile)own)(), 31);
}
