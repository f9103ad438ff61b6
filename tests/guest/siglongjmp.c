// siglongjmp() out of a handler restores the mask that sigsetjmp() saved; sigsetjmp(3).
// syscalls: rt_sigprocmask
// build: static musl
#include "ktap.h"
#include <setjmp.h>

static sigjmp_buf back;
static void jump_back(int sig) { siglongjmp(back, sig); }

TEST(out_of_a_handler_ten_times) {
    signal(SIGUSR1, jump_back);
    for (volatile int i = 0; i < 10; i++) {
        int sig = sigsetjmp(back, 1);
        if (sig == 0) {
            raise(SIGUSR1);
            CHECK(!"raise returned");
        }
        CHECK_EQ(sig, SIGUSR1);
        sigset_t now;
        MUST(sigprocmask(SIG_SETMASK, NULL, &now));
        CHECK(!sigismember(&now, SIGUSR1));
    }
}

TEST(out_of_a_fault) {
    signal(SIGSEGV, jump_back);
    for (volatile int i = 0; i < 10; i++)
        if (sigsetjmp(back, 1) == 0) {
            *(volatile int *)8 = 1;
            CHECK(!"the store went through");
        }
}
