// Unknown, negative and oversized call numbers are ENOSYS; only the low half of rax counts; syscall(2).
// syscalls: getpid
// differs: `int 0x80` is ENOSYS under llano, a 32-bit call on most kernels
#include "ktap.h"

static long raw(long number) {
    long r;
    __asm__ volatile("syscall" : "=a"(r) : "a"(number), "D"(0), "S"(0), "d"(0) : "rcx", "r11", "memory");
    return r;
}

TEST(unknown) {
    CHECK_EQ(raw(1000), -ENOSYS);
    CHECK_EQ(raw(400), -ENOSYS);
    CHECK_EQ(raw(0x7fffffff), -ENOSYS);
}

TEST(negative) {
    CHECK_EQ(raw(-1), -ENOSYS);
    CHECK_EQ(raw(-100), -ENOSYS);
    CHECK_EQ(raw(0xffffffff), -ENOSYS);
}

TEST(never_implemented) {
    CHECK_EQ(raw(SYS_afs_syscall), -ENOSYS);
    CHECK_EQ(raw(SYS_getpmsg), -ENOSYS);
    CHECK_EQ(raw(SYS_vserver), -ENOSYS);
    CHECK_EQ(raw(SYS_uselib), -ENOSYS);
}

TEST(upper_half_is_ignored) { CHECK_EQ(raw(0x1234567800000000 | SYS_getpid), getpid()); }

TEST(int_0x80) {
    long r;
    __asm__ volatile("int $0x80" : "=a"(r) : "a"(20) : "r8", "r9", "r10", "r11", "memory");
    CHECK(r == getpid() || r == -ENOSYS);
}
