// A program says how large its stack is in PT_GNU_STACK; fs/binfmt_elf_fdpic.c (elf_fdpic_fetch_phdrs: p_memsz).
// strict: --mem 32M --stack 64K
// build: musl
// flags: -Wl,-z,stack-size=0x41800
#include "ktap.h"

TEST(size) {
    char *line = strstr(get_file("/proc/self/maps"), "[stack]"), *bottom, *top;
    CHECK(line);
    while (line[-1] != '\n') line--;
    CHECK_EQ(sscanf(line, "%p-%p", (void **)&bottom, (void **)&top), 2);
    CHECK_EQ(top - bottom, 0x42000); // whole pages
}

static int __attribute__((noinline)) use(int kb) {
    char buf[kb * 1024];
    memset(buf, kb, sizeof buf);
    __asm__ volatile("" ::"r"(buf) : "memory");
    return buf[sizeof buf - 1];
}
TEST(all_of_it) { CHECK_EQ(use(100) + use(120), 220); }
