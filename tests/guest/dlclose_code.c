// Libraries with calls of their own that are opened, called, closed, and followed by another at their place; dlopen(3).
// syscalls: mmap munmap mprotect openat close getpid getppid
// build: dynamic fixed-dynamic
// library: FIRST SECOND
#ifdef FIRST
// Three calls: pid, parent, pid; pid + 2 * parent + 4 * pid + the argument.
__asm__(".text\n.globl answer\n.type answer, @function\n.balign 64\nanswer:\n"
        "mov $39, %eax\n syscall\n mov %rax, %r8\n"
        "mov $110, %eax\n syscall\n lea (%r8,%rax,2), %r8\n"
        "mov $39, %al\n movzx %al, %eax\n syscall\n lea (%r8,%rax,4), %r8\n"
        "lea (%r8,%rdi), %rax\n ret\n.size answer, .-answer\n");
#elif defined(SECOND)
// Where the other has calls, this one computes, and the reverse: 40 * argument + parent.
__asm__(".text\n.globl answer\n.type answer, @function\n.balign 64\nanswer:\n"
        "xor %esi, %esi\n .rept 40\n add %rdi, %rsi\n .endr\n"
        "mov $110, %eax\n syscall\n add %rsi, %rax\n ret\n.size answer, .-answer\n");
#else
#include "ktap.h"
#include <dlfcn.h>

typedef long (*function)(long);
enum { FIRST, SECOND };
static long want(int which, long x) {
    return which == FIRST ? 5L * getpid() + 2L * getppid() + x : 40 * x + getppid();
}
static void *open_library(int which) {
    char path[512];
    int length = MUST(readlink("/proc/self/exe", path, sizeof path - 20));
    strcpy(path + length, which == FIRST ? ".FIRST.so" : ".SECOND.so");
    return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}
static function find(void *library) { return (function)dlsym(library, "answer"); }
static void call_often(function answer, int which) {
    for (long i = 0; i < 20; i++) CHECK_EQ(answer(i), want(which, i));
}

TEST(another_library_takes_the_place) {
    function last = NULL;
    int same_place = 0;
    for (int i = 0; i < 100; i++) {
        void *library = open_library(i % 2);
        CHECK(library != NULL);
        function answer = find(library);
        same_place += answer == last;
        last = answer;
        call_often(answer, i % 2);
        CHECK_EQ(dlclose(library), 0);
    }
    CHECK(same_place > 0);
}

TEST(the_same_library_again) {
    for (int i = 0; i < 50; i++) {
        void *library = open_library(FIRST);
        CHECK(library != NULL);
        call_often(find(library), FIRST);
        CHECK_EQ(dlclose(library), 0);
    }
}

TEST(what_stays_open_is_not_touched) {
    for (int i = 0; i < 50; i++) {
        void *libraries[] = {open_library(FIRST), open_library(SECOND)};
        function answers[] = {find(libraries[FIRST]), find(libraries[SECOND])};
        call_often(answers[i % 2], i % 2);
        call_often(answers[!(i % 2)], !(i % 2));
        CHECK_EQ(dlclose(libraries[i % 2]), 0);
        call_often(answers[!(i % 2)], !(i % 2));
        CHECK_EQ(dlclose(libraries[!(i % 2)]), 0);
    }
}

// Data where the code was: no page of it may still jump.
TEST(data_takes_the_place) {
    for (int i = 0; i < 50; i++) {
        void *library = open_library(FIRST);
        CHECK(library != NULL);
        function answer = find(library);
        call_often(answer, FIRST);
        CHECK_EQ(dlclose(library), 0);
        char *page = (char *)((uintptr_t)answer & -4096);
        CHECK_EQ(mmap(page, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0), page);
        for (int k = 0; k < 4096; k++) CHECK_EQ(page[k], 0);
        // Code of the other kind, made by hand: it returns its argument.
        memcpy(page + ((uintptr_t)answer & 4095), "\x48\x89\xf8\x90\x90\x90\x90\x90\xc3", 9);
        MUST(mprotect(page, 4096, PROT_READ | PROT_EXEC));
        for (long x = 0; x < 20; x++) CHECK_EQ(answer(x), x);
        MUST(munmap(page, 4096));
    }
}

// A child that closes and opens leaves its parent's library alone; the parent's goes while the child calls on.
TEST(closed_in_a_forked_child) {
    for (int i = 0; i < 10; i++) {
        void *library = open_library(FIRST);
        CHECK(library != NULL);
        function answer = find(library);
        call_often(answer, FIRST);
        pid_t pid = fork_child();
        if (pid == 0) {
            if (i % 2) call_often(answer, FIRST);
            EXPECT_EQ(dlclose(library), 0);
            library = open_library(SECOND);
            if (EXPECT(library != NULL)) call_often(find(library), SECOND);
            leave();
        }
        call_often(answer, FIRST);
        CHECK_CHILD(pid);
        call_often(answer, FIRST);
        CHECK_EQ(dlclose(library), 0);
    }
}
#endif
