// The low eight bits of exit() reach the parent; a second process by vfork and execve; _exit(2), wait(2).
// syscalls: exit_group wait4 vfork execve
// build: static dynamic musl musl-dynamic
#include "ktap.h"

ROLE(leave) { _exit(atoi(ktap_argv[2])); }
ROLE(raw_exit) { syscall(SYS_exit, 7); }
ROLE(from_main) {}

TEST(zero) { CHECK_EQ(wait_status(SPAWN("leave", "0")), EXITED(0)); }
TEST(code) { CHECK_EQ(wait_status(SPAWN("leave", "42")), EXITED(42)); }
TEST(only_eight_bits) { CHECK_EQ(wait_status(SPAWN("leave", "259")), EXITED(3)); }
TEST(negative) { CHECK_EQ(wait_status(SPAWN("leave", "-1")), EXITED(255)); }
TEST(return_from_main) { CHECK_EQ(wait_status(SPAWN("from_main")), EXITED(0)); }
TEST(exit_of_the_only_thread) { CHECK_EQ(wait_status(SPAWN("raw_exit")), EXITED(7)); }
TEST(unknown_role_is_told) {
    int fd = MUST(dup(1)), null = MUST(open("/dev/null", O_WRONLY));
    MUST(dup2(null, 1));
    int status = wait_status(SPAWN("no_such_role"));
    MUST(dup2(fd, 1));
    CHECK_EQ(status, EXITED(97));
}
