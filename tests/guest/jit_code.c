// A syscall instruction in memory written at run time works like any other; mmap(2), syscall(2).
// syscalls: mmap getpid
#include "ktap.h"

// mov eax, imm32; syscall; ret
static const unsigned char template[] = {0xb8, 0, 0, 0, 0, 0x0f, 0x05, 0xc3};
static char *page;
static long (*emit(int offset, int number))(void) {
    memcpy(page + offset, template, sizeof template);
    memcpy(page + offset + 1, &number, 4);
    return (long (*)(void))(page + offset);
}

TEST(call_from_generated_code) {
    page = MUST(mmap(NULL, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    long (*f)(void) = emit(0, SYS_getpid);
    for (int i = 0; i < 1000; i++) CHECK_EQ(f(), getpid());
}

TEST(rewritten_in_place) {
    for (int i = 0; i < 100; i++) {
        CHECK_EQ(emit(0, SYS_getppid)(), getppid());
        CHECK_EQ(emit(0, SYS_getpid)(), getpid());
    }
}

TEST(across_a_page_border) {
    for (int offset = 4096 - 8; offset <= 4096; offset++) CHECK_EQ(emit(offset, SYS_getpid)(), getpid());
}

TEST(moved_and_unmapped_code) {
    char *other = MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    emit(0, SYS_getpid);
    memcpy(other, page, sizeof template);
    CHECK_EQ(((long (*)(void))other)(), getpid());
    MUST(munmap(other, 4096));
    char *again = MUST(mmap(other, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    memset(again, 0x90, 64);
    again[64] = (char)0xc3;
    ((void (*)(void))again)();
}
