// The auxiliary vector is true: page size, entry, program headers, uid, random bytes, platform, name; getauxval(3).
// syscalls: execve
// build: static dynamic musl musl-dynamic
#include "ktap.h"
#include <elf.h>
#include <link.h>
#include <sys/auxv.h>

TEST(numbers) {
    CHECK_EQ(getauxval(AT_PAGESZ), 4096);
    CHECK_EQ(getauxval(AT_UID), getuid());
    CHECK_EQ(getauxval(AT_EUID), geteuid());
    CHECK_EQ(getauxval(AT_GID), getgid());
    CHECK_EQ(getauxval(AT_EGID), getegid());
    CHECK_EQ(getauxval(AT_SECURE), 0);
    CHECK_EQ(getauxval(AT_CLKTCK), 100);
    CHECK_EQ(getauxval(AT_FLAGS), 0);
}

TEST(program_headers) {
    ElfW(Phdr) *ph = (void *)getauxval(AT_PHDR);
    CHECK(ph != NULL);
    CHECK_EQ(getauxval(AT_PHENT), sizeof *ph);
    int loads = 0, count = getauxval(AT_PHNUM);
    CHECK(count > 3 && count < 30);
    for (int i = 0; i < count; i++) loads += ph[i].p_type == PT_LOAD;
    CHECK(loads >= 2);
    extern const ElfW(Ehdr) __ehdr_start;
    CHECK_EQ(ph, (uintptr_t)&__ehdr_start + __ehdr_start.e_phoff);
    CHECK_EQ(getauxval(AT_ENTRY), (uintptr_t)&__ehdr_start + __ehdr_start.e_entry);
}

TEST(strings) {
    CHECK(strcmp((char *)getauxval(AT_PLATFORM), "x86_64") == 0);
    char *name = (char *)getauxval(AT_EXECFN);
    CHECK(name != NULL && strstr(name, "auxv") != NULL);
}

TEST(random_bytes) {
    uint64_t *r = (void *)getauxval(AT_RANDOM);
    CHECK(r != NULL);
    CHECK(r[0] != 0 && r[1] != 0 && r[0] != r[1]);
}

ROLE(print_random) { say("%lx", *(uint64_t *)getauxval(AT_RANDOM)); }
TEST(random_differs_between_runs) {
    int p[2], save = MUST(dup(1));
    char a[32] = {0}, b[32] = {0};
    MUST(pipe(p));
    MUST(dup2(p[1], 1));
    wait_status(SPAWN("print_random"));
    MUST(read(p[0], a, 31));
    wait_status(SPAWN("print_random"));
    MUST(read(p[0], b, 31));
    MUST(dup2(save, 1));
    CHECK(strcmp(a, b) != 0);
}

TEST(proc_shows_the_same) {
    uint64_t *pair = (void *)get_file("/proc/self/auxv"), hwcap = 0, count = 0;
    for (; pair[0] != AT_NULL && count < 60; pair += 2, count++) {
        if (pair[0] == AT_HWCAP) hwcap = pair[1];  // getauxval() of glibc shows something else here
        if (pair[0] == AT_PHDR || pair[0] == AT_RANDOM || pair[0] == AT_EXECFN) CHECK_EQ(pair[1], getauxval(pair[0]));
    }
    CHECK(count > 10 && count < 60);
    CHECK(hwcap & 1 << 26);  // the SSE2 bit of CPUID 1 edx
}
