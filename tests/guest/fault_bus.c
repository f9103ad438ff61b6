// Touching a mapped file page behind the file's end is SIGBUS with BUS_ADRERR; mmap(2).
// syscalls: mmap ftruncate
#include "ktap.h"
#include <setjmp.h>

static sigjmp_buf back;
static siginfo_t seen;
static void on_fault(int sig, siginfo_t *info, void *context) {
    (void)context;
    seen = *info;
    siglongjmp(back, sig);
}

static void try_file(int flags) {
    scratch();
    int fd = MUST(open("f", O_RDWR | O_CREAT | O_TRUNC, 0600));
    MUST(ftruncate(fd, 8192));
    char *p = MUST(mmap(NULL, 8192, PROT_READ | PROT_WRITE, flags, fd, 0));
    CHECK_EQ(p[5000], 0);
    MUST(ftruncate(fd, 4096));
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    MUST(sigaction(SIGBUS, &sa, NULL));
    memset(&seen, 0, sizeof seen);
    CHECK_EQ(p[4095], 0);
    if (sigsetjmp(back, 1) == 0) (void)*(volatile char *)(p + 5000);
    CHECK_EQ(seen.si_signo, SIGBUS);
    CHECK_EQ(seen.si_code, BUS_ADRERR);
    CHECK_EQ(seen.si_addr, p + 5000);
    MUST(munmap(p, 8192));
    close(fd);
}

TEST(truncated_under_a_shared_map) { try_file(MAP_SHARED); }
TEST(truncated_under_a_private_map) { try_file(MAP_PRIVATE); }

TEST(call_into_such_a_page_is_efault) {
    int fd = MUST(open("f", O_RDWR | O_CREAT | O_TRUNC, 0600)), p[2];
    MUST(ftruncate(fd, 4096));
    char *map = MUST(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    MUST(pipe(p));
    CHECK_ERR(write(p[1], map + 4096, 10), EFAULT);
    CHECK_EQ(write(p[1], map, 10), 10);
    CHECK_ERR(read(p[0], map + 4096, 10), EFAULT);
}
