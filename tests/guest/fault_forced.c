// A fault whose signal is blocked or ignored kills; a fault inside its own handler kills; signal(7).
// syscalls: rt_sigaction rt_sigprocmask
#include "ktap.h"

static void again(int sig) {
    (void)sig;
    *(volatile int *)16 = 1;
}

ROLE(blocked) {
    sigset_t set;
    sigfillset(&set);
    signal(SIGSEGV, again);
    MUST(sigprocmask(SIG_BLOCK, &set, NULL));
    *(volatile int *)16 = 1;
}
ROLE(ignored) {
    signal(SIGSEGV, SIG_IGN);
    *(volatile int *)16 = 1;
}
ROLE(in_handler) {
    signal(SIGSEGV, again);
    *(volatile int *)16 = 1;
}
ROLE(returned_frame_is_garbage) {
    __asm__ volatile("mov $4096, %%rsp\n mov $15, %%eax\n syscall" ::: "memory");
}

TEST(while_blocked) { CHECK_EQ(wait_status(SPAWN("blocked")) & 0x7f, SIGSEGV); }
TEST(while_ignored) { CHECK_EQ(wait_status(SPAWN("ignored")) & 0x7f, SIGSEGV); }
TEST(inside_its_handler) { CHECK_EQ(wait_status(SPAWN("in_handler")) & 0x7f, SIGSEGV); }
TEST(sigreturn_without_a_frame) { CHECK_EQ(wait_status(SPAWN("returned_frame_is_garbage")) & 0x7f, SIGSEGV); }
