// A program that is executed again is as its file says, whatever the last one did to its own image; execve(2).
// syscalls: execve vfork mprotect
// build: static dynamic musl musl-dynamic fixed
#include "ktap.h"

enum { RUNS = 4 };
static char data[3 * 4096] = "as the file says", bss[5 * 4096] __attribute__((aligned(4096)));
static const char constant[2 * 4096] = "constant";

__attribute__((noinline, aligned(4096))) static int text(void) {
    __asm__ volatile(".rept 4096\n nop\n .endr");
    return 5;
}

static void protect(const void *at, int prot) { MUST(mprotect((void *)((uintptr_t)at & -4096), 4096, prot)); }

// Looks whether all is as in the file, and changes it.
ROLE(look) {
    char *deep = (char *)__builtin_frame_address(0) - 64 * 1024;
    EXPECT_EQ(strcmp(data, "as the file says"), 0);
    EXPECT_EQ(data[8192], 0);
    EXPECT_EQ(bss[0] | bss[4 * 4096], 0);
    EXPECT_EQ(*(volatile char *)constant, 'c');
    EXPECT_EQ(text(), 5);
    EXPECT_EQ(*(volatile char *)deep, 0);
    memset(data, 'd', sizeof data);
    memset(bss, 'b', sizeof bss);
    *(volatile char *)deep = 's';
    const char *how = ktap_argv[2];
    if (strchr(how, 'c')) {
        protect(constant, PROT_READ | PROT_WRITE);
        *(volatile char *)constant = 'C';
        protect(constant, PROT_READ);
    }
    if (strchr(how, 't')) {
        protect((void *)text, PROT_READ | PROT_WRITE | PROT_EXEC);
        memcpy((void *)text, "\xb8\x07\0\0\0\xc3", 6); // mov eax, 7; ret
        protect((void *)text, PROT_READ | PROT_EXEC);
        EXPECT_EQ(text(), 7);
    }
    if (strchr(how, 'u')) MUST(munmap(bss + 4096, 4096));
    if (strchr(how, 'p')) protect(data + 4096, PROT_NONE);
    if (strchr(how, 'm')) MUST((long)mmap((char *)((uintptr_t)(data + 4096) & -4096), 4096, PROT_READ, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (!ktap_failed) _exit(23);
}

static void again(const char *how) {
    char *const words[] = {"guest", "look", (char *)how, NULL};
    for (int i = 0; i < RUNS; i++) {
        pid_t pid = vfork();
        if (pid == 0) {
            execv("/proc/self/exe", words);
            _exit(127);
        }
        CHECK_EQ(wait_status(pid), EXITED(23));
    }
}

TEST(written_data) { again("-"); }
TEST(written_constants) { again("c"); }
TEST(written_text) { again("t"); }
TEST(unmapped_parts) { again("u"); }
TEST(protected_parts) { again("p"); }
TEST(other_maps) { again("m"); }
TEST(all_of_it) { again("ctup"); }

// Several at once, each with an image of its own.
TEST(at_once) {
    pid_t children[6];
    for (int i = 0; i < 6; i++) {
        children[i] = vfork();
        if (children[i] == 0) {
            execl("/proc/self/exe", "guest", "look", i % 2 ? "ct" : "-", NULL);
            _exit(127);
        }
    }
    for (int i = 0; i < 6; i++) CHECK_EQ(wait_status(children[i]), EXITED(23));
}

