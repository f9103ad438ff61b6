// A thread that runs over its stack's guard page gets SIGSEGV on the alternate stack; sigaltstack(2).
// syscalls: sigaltstack
// needs: threads
#include "ktap.h"
#include <pthread.h>
#include <setjmp.h>

static sigjmp_buf back;
static char alternate[65536] __attribute__((aligned(16)));
static volatile uintptr_t fault, handler_sp;
static void on_fault(int sig, siginfo_t *info, void *context) {
    (void)context;
    char here;
    fault = (uintptr_t)info->si_addr;
    handler_sp = (uintptr_t)&here;
    siglongjmp(back, sig);
}

static __attribute__((noinline)) int deeper(int n) {
    volatile char block[1024];
    block[n % 1024] = n;
    if (n == 1 << 30) return 0;
    return deeper(n + 1) + block[(n + 1) % 1024];
}

static void *body(void *low) {
    stack_t s = {.ss_sp = alternate, .ss_size = sizeof alternate};
    pthread_attr_t attr;
    void *base;
    size_t size;
    MUST(sigaltstack(&s, NULL));
    pthread_getattr_np(pthread_self(), &attr);
    pthread_attr_getstack(&attr, &base, &size);
    *(uintptr_t *)low = (uintptr_t)base;
    if (sigsetjmp(back, 1) == 0) deeper(0);
    return NULL;
}

TEST(guard_page_catches_it) {
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    MUST(sigaction(SIGSEGV, &sa, NULL));
    pthread_t t;
    uintptr_t low = 0;
    CHECK_EQ(pthread_create(&t, NULL, body, &low), 0);
    CHECK_EQ(pthread_join(t, NULL), 0);
    CHECK(fault >= low - 8192 && fault < low + 8192);
    CHECK(handler_sp >= (uintptr_t)alternate && handler_sp < (uintptr_t)alternate + sizeof alternate);
}

ROLE(smash) {
    __asm__ volatile("xor %%esp, %%esp\n push $1" ::: "memory");
}
ROLE(smash_with_handler) {
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    MUST(sigaction(SIGSEGV, &sa, NULL));
    __asm__ volatile("mov $4096, %%esp\n push $1" ::: "memory");
}
TEST(no_stack_at_all) { CHECK_EQ(wait_status(SPAWN("smash")) & 0x7f, SIGSEGV); }
TEST(no_room_for_the_frame) { CHECK_EQ(wait_status(SPAWN("smash_with_handler")) & 0x7f, SIGSEGV); }
