// Protection is enforced page by page and can be given back; mprotect(2).
// syscalls: mprotect
// build: static musl
#include "ktap.h"
#include <setjmp.h>

static sigjmp_buf back;
static volatile int code;
static void on_fault(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)context;
    code = info->si_code;
    siglongjmp(back, 1);
}
static int store_faults(volatile char *p) {
    if (sigsetjmp(back, 1)) return 1;
    *p = 1;
    return 0;
}
static int load_faults(volatile char *p) {
    if (sigsetjmp(back, 1)) return 1;
    (void)*p;
    return 0;
}

TEST(middle_page_only) {
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    MUST(sigaction(SIGSEGV, &sa, NULL));
    char *p = MUST(mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CHECK_EQ(mprotect(p + 4096, 4096, PROT_READ), 0);
    CHECK(!store_faults(p) && !store_faults(p + 8192));
    CHECK(store_faults(p + 4096));
    CHECK_EQ(code, SEGV_ACCERR);
    CHECK(!load_faults(p + 4096));
    CHECK_EQ(mprotect(p, 3 * 4096, PROT_NONE), 0);
    CHECK(load_faults(p) && load_faults(p + 4096) && load_faults(p + 8192));
    CHECK_EQ(mprotect(p, 3 * 4096, PROT_READ | PROT_WRITE), 0);
    CHECK(p[0] == 1 && p[8192] == 1);
}

TEST(read_only_data_of_the_program) {
    static const char constant[] = "constant";
    CHECK(store_faults((char *)constant));
}

TEST(code_written_then_executed) {
    static const unsigned char code[] = {0xb8, 0x2a, 0, 0, 0, 0xc3};  // mov eax, 42; ret
    char *p = MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    memcpy(p, code, sizeof code);
    CHECK_EQ(mprotect(p, 4096, PROT_READ | PROT_EXEC), 0);
    CHECK_EQ(((int (*)(void))p)(), 42);
    CHECK(store_faults(p));
}

TEST(kernel_respects_it_too) {
    int fd[2];
    char *p = MUST(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    MUST(pipe(fd));
    CHECK_EQ(write(fd[1], p, 5), 5);
    CHECK_ERR(read(fd[0], p, 5), EFAULT);
    MUST(mprotect(p, 4096, PROT_NONE));
    CHECK_ERR(write(fd[1], p, 5), EFAULT);
}

TEST(errors) {
    char *p = MUST(mmap(NULL, 2 * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CHECK_ERR(syscall(SYS_mprotect, p + 1, 4096, PROT_READ), EINVAL);
    MUST(munmap(p + 4096, 4096));
    CHECK_ERR(mprotect(p, 8192, PROT_READ | PROT_WRITE), ENOMEM);
    CHECK_ERR(mprotect(p, 4096, 0x1000), EINVAL);
}
