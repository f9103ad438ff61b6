// abort() ends the program with SIGABRT even when that is ignored or handled; abort(3).
// syscalls: tgkill
#include "ktap.h"

static void on_signal(int sig) { (void)sig; }
ROLE(plain) { abort(); }
ROLE(ignored) {
    signal(SIGABRT, SIG_IGN);
    abort();
}
ROLE(handled) {
    signal(SIGABRT, on_signal);
    abort();
}

TEST(without_handler) { CHECK_EQ(wait_status(SPAWN("plain")) & 0x7f, SIGABRT); }
TEST(although_ignored) { CHECK_EQ(wait_status(SPAWN("ignored")) & 0x7f, SIGABRT); }
TEST(although_handled) { CHECK_EQ(wait_status(SPAWN("handled")) & 0x7f, SIGABRT); }
