// Code with calls that is written, protected, run and written again, mapped, unmapped and mapped anew; mmap(2), mprotect(2).
// syscalls: mmap munmap mprotect mremap getpid getppid
#include "ktap.h"
#include <sys/uio.h>

// mov eax, imm32; syscall; cmp eax, 0; mov edx, eax; ret
static unsigned char code[] = {0xb8, 0, 0, 0, 0, 0x0f, 0x05, 0x83, 0xf8, 0x00, 0x89, 0xc2, 0xc3};
typedef int (*function)(void);
static void emit(char *at, int number) {
    memcpy(at, code, sizeof code);
    memcpy(at + 1, &number, 4);
}
static void call_often(char *at, int want) {
    for (int i = 0; i < 20; i++) CHECK_EQ(((function)at)(), want);
}

TEST(written_while_executable) {
    char *page = MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    for (int i = 0; i < 100; i++) {
        emit(page, i % 2 ? SYS_getpid : SYS_getppid);
        call_often(page, i % 2 ? getpid() : getppid());
    }
}

TEST(written_between_protections) {
    char *page = MUST(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    for (int i = 0; i < 50; i++) {
        int offset = i * 131 % 4000 + 90;
        MUST(mprotect(page, 8192, PROT_READ | PROT_WRITE));
        emit(page + offset, i % 2 ? SYS_getpid : SYS_getppid);
        MUST(mprotect(page, 8192, PROT_READ | PROT_EXEC));
        call_often(page + offset, i % 2 ? getpid() : getppid());
    }
}

TEST(what_was_written_is_read_back_when_writable) {
    char *page = MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    for (int i = 0; i < 10; i++) {
        emit(page + 200, SYS_getpid);
        emit(page + 300, SYS_getppid);
        MUST(mprotect(page, 4096, PROT_READ | PROT_EXEC));
        call_often(page + 200, getpid());
        call_often(page + 300, getppid());
        MUST(mprotect(page, 4096, PROT_READ | PROT_WRITE));
        unsigned char want[sizeof code];
        emit((char *)want, SYS_getpid);
        CHECK(memcmp(page + 200, want, sizeof want) == 0);
        emit((char *)want, SYS_getppid);
        CHECK(memcmp(page + 300, want, sizeof want) == 0);
    }
}

TEST(moved_code) {
    char *page = MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    emit(page + 100, SYS_getpid);
    MUST(mprotect(page, 4096, PROT_READ | PROT_EXEC));
    call_often(page + 100, getpid());
    char *other = MUST(mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    char *moved = mremap(page, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, other);
    CHECK_EQ(moved, other);
    call_often(moved + 100, getpid());
    unsigned char want[sizeof code];
    emit((char *)want, SYS_getpid);
    MUST(mprotect(moved, 4096, PROT_READ));
    CHECK(memcmp(moved + 100, want, sizeof want) == 0);
}

static char *map_code_file(const char *name, int number, void *at) {
    static char page[4096];
    memset(page, 0xcc, sizeof page);
    emit(page + 256, number);
    int fd = MUST(open(name, O_RDWR | O_CREAT | O_TRUNC, 0755));
    if (write(fd, page, sizeof page) != sizeof page) _exit(90);
    char *mapped = MUST(mmap(at, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | (at ? MAP_FIXED : 0), fd, 0));
    close(fd);
    return mapped;
}
static int same_as_file(const char *name, const char *page) {
    get_file(name);
    struct iovec local = {(char[4096]){0}, 4096}, remote = {(void *)page, 4096};
    if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) != 4096) return 0;
    char other[4096];
    int fd = MUST(open("/proc/self/mem", O_RDONLY));
    ssize_t n = pread(fd, other, sizeof other, (off_t)page);
    close(fd);
    return n == 4096 && memcmp(get_file(name), local.iov_base, 4096) == 0 && memcmp(other, local.iov_base, 4096) == 0;
}

TEST(files_show_what_was_written) {
    scratch();
    char *page = map_code_file("a", SYS_getpid, NULL);
    CHECK(same_as_file("a", page));
    call_often(page + 256, getpid());
    CHECK_EQ(((unsigned char *)get_file("a"))[256 + 5], 0x0f);
    CHECK(same_as_file("a", page));
    char *again = MUST(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, MUST(open("a", O_RDONLY)), 0));
    CHECK(memcmp(again + 257, (char[]){SYS_getpid, 0, 0, 0, 0x0f, 0x05}, 6) == 0);
}

TEST(libraries_come_and_go) {
    scratch();
    char *page = map_code_file("a", SYS_getpid, NULL);
    for (int i = 0; i < 40; i++) {
        call_often(page + 256, i % 2 ? getppid() : getpid());
        if (i % 4 < 2) MUST(munmap(page, 4096));
        if (i % 4 < 2 && i % 3) MUST(mmap(page, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
        CHECK_EQ(map_code_file(i % 2 ? "a" : "b", i % 2 ? SYS_getpid : SYS_getppid, page), page);
    }
}

TEST(dropped_and_fresh_pages) {
    scratch();
    char *page = map_code_file("c", SYS_getpid, NULL);
    for (int i = 0; i < 10; i++) {
        call_often(page + 256, getpid());
        MUST(madvise(page, 4096, MADV_DONTNEED));
        call_often(page + 256, getpid());
    }
}

// The same file at the same address, again and again: as executed programs find their libraries.
TEST(mapped_again) {
    scratch();
    char *page = map_code_file("e", SYS_getpid, NULL);
    int fd = MUST(open("e", O_RDWR));
    MUST(munmap(page, 4096));
    sleep_ms(2100); // what changed just now is not kept
    CHECK_EQ(mmap(page, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, 0), page);
    for (int i = 0; i < 12; i++) {
        call_often(page + 256, getpid());
        CHECK(same_as_file("e", page));
        for (int k = 0; k < i % 3; k++) {
            MUST(madvise(page, 4096, MADV_DONTNEED));
            call_often(page + 256, getpid());
        }
        if (i % 4 == 3) {
            MUST(mprotect(page, 4096, PROT_READ | PROT_WRITE));
            CHECK(memcmp(page, get_file("e"), 4096) == 0);
            emit(page + 256, SYS_getppid);
            MUST(mprotect(page, 4096, PROT_READ | PROT_EXEC));
            call_often(page + 256, getppid());
        }
        CHECK_EQ(((unsigned char *)get_file("e"))[257], SYS_getpid);
        MUST(munmap(page, 4096));
        CHECK_EQ(mmap(page, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, 0), page);
    }
    int number = SYS_getppid;
    MUST(munmap(page, 4096));
    CHECK_EQ(pwrite(fd, &number, 4, 257), 4);
    CHECK_EQ(mmap(page, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, 0), page);
    call_often(page + 256, getppid());
}

// A debugger's way: a write through /proc/self/mem changes code that may only be executed.
TEST(written_through_proc_mem) {
    scratch();
    char *page = map_code_file("d", SYS_getpid, NULL);
    int fd = MUST(open("/proc/self/mem", O_RDWR)), number = SYS_getppid;
    for (int i = 0; i < 10; i++) {
        call_often(page + 256, i % 2 ? getppid() : getpid());
        number = i % 2 ? SYS_getpid : SYS_getppid;
        CHECK_EQ(pwrite(fd, &number, 4, (off_t)page + 257), 4);
    }
}

TEST(two_calls_in_a_row) {
    // mov eax, getpid; syscall; syscall (rax is a number of a call that does not exist, or of one that fails); ret
    static const unsigned char twice[] = {0x31, 0xff, 0xb8, 0x27, 0, 0, 0, 0x0f, 0x05, 0xb8, 0x6e, 0, 0, 0, 0x0f, 0x05, 0x0f, 0x1f, 0x00, 0xc3};
    char *page = MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    memcpy(page + 128, twice, sizeof twice);
    MUST(mprotect(page, 4096, PROT_READ | PROT_EXEC));
    call_often(page + 128, getppid());
}
