// Nothing is protected: what mmap() and segments ask for is remembered, not enforced. mm/nommu.c; there is no mprotect.
// strict: --mem 32M
// build: musl
#include "ktap.h"

static sig_atomic_t faults;
static void count(int sig) {
    (void)sig;
    faults++;
    _exit(70);
}

TEST(no_access_is_access) {
    signal(SIGSEGV, count);
    volatile char *p = MUST(mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    p[5] = 7;
    CHECK_EQ(p[5], 7);
    char buf[4];
    int fd = MUST(open("/proc/self/comm", O_RDONLY)); // nor does the kernel mind
    CHECK_EQ(pread(fd, (char *)p, 4, 0), 4);
    CHECK_EQ(pread(fd, buf, 4, 0), 4);
    CHECK(memcmp((char *)p, buf, 4) == 0);
    MUST(munmap((char *)p, 8192));
}

static const int constant = 4;
TEST(constants_can_be_written) {
    volatile int *p = (volatile int *)&constant;
    *p = 5;
    CHECK_EQ(*p, 5);
}

static int __attribute__((noinline, noclone)) four(void) {
    int r;
    __asm__ volatile("movl $4, %0" : "=a"(r));
    return r;
}
TEST(text_can_be_written) {
    CHECK_EQ(four(), 4);
    unsigned char *code = (unsigned char *)four;
    int at = 0;
    while (at < 32 && !(code[at] == 0xb8 && code[at + 1] == 4)) at++;
    CHECK(at < 32);
    code[at + 1] = 6;
    CHECK_EQ(four(), 6);
}

TEST(data_can_be_executed) {
    unsigned char *p = MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    memcpy(p, "\xb8\x2a\0\0\0\xc3", 6); // mov $42, %eax; ret
    CHECK_EQ(((int (*)(void))p)(), 42);
    MUST(munmap(p, 4096));
}

TEST(freed_memory_is_still_ram) {
    volatile char *p = MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    MUST(munmap((char *)p, 4096));
    p[0] = 1; // a bug, but nothing notices
    CHECK_EQ(faults, 0);
}

ROLE(null) {
    signal(SIGSEGV, count);
    *(volatile int *)8 = 1;
}
TEST(where_no_ram_is_it_faults) { CHECK_EQ(wait_status(SPAWN("null")), EXITED(70)); }
