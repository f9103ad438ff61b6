// Every thread has its own __thread variables and its own FS base; arch_prctl(2).
// syscalls: arch_prctl
// build: static dynamic musl musl-dynamic fixed
// needs: threads
#include "ktap.h"
#include <pthread.h>

// from <asm/prctl.h>, which musl lacks
#define ARCH_SET_GS 0x1001
#define ARCH_GET_FS 0x1003
#define ARCH_GET_GS 0x1004

static __thread int initialised = 5;
static __thread int zero;
static __thread char big[4096];

static unsigned long fs_base(void) {
    unsigned long base = 0;
    MUST(syscall(SYS_arch_prctl, ARCH_GET_FS, &base));
    return base;
}

static void *body(void *arg) {
    long ok = initialised == 5 && zero == 0 && big[4095] == 0;
    initialised = 100;
    zero = 1;
    memset(big, 1, sizeof big);
    *(unsigned long *)arg = fs_base();
    return (void *)ok;
}

TEST(fresh_in_every_thread) {
    initialised = 6;
    for (int i = 0; i < 5; i++) {
        pthread_t t;
        void *ok;
        unsigned long base;
        CHECK_EQ(pthread_create(&t, NULL, body, &base), 0);
        CHECK_EQ(pthread_join(t, &ok), 0);
        CHECK_EQ(ok, 1);
        CHECK(base != fs_base());
    }
    CHECK_EQ(initialised, 6);
    CHECK_EQ(zero, 0);
}

TEST(base_points_at_itself) { CHECK_EQ(*(unsigned long *)fs_base(), fs_base()); }

TEST(gs_base_is_free) {
    static long cell = 4711;
    unsigned long old, now;
    long out;
    MUST(syscall(SYS_arch_prctl, ARCH_GET_GS, &old));
    CHECK_EQ(old, 0);
    MUST(syscall(SYS_arch_prctl, ARCH_SET_GS, &cell));
    for (int i = 0; i < 10; i++)
        getppid();
    __asm__ volatile("mov %%gs:0, %0" : "=r"(out));
    CHECK_EQ(out, 4711);
    MUST(syscall(SYS_arch_prctl, ARCH_GET_GS, &now));
    CHECK_EQ(now, &cell);
}

TEST(errors) {
    CHECK_ERR(syscall(SYS_arch_prctl, 0x9999, 0), EINVAL);
    CHECK_ERR(syscall(SYS_arch_prctl, ARCH_SET_GS, -1L), EPERM);
    CHECK_ERR(syscall(SYS_arch_prctl, ARCH_GET_FS, 8), EFAULT);
}
