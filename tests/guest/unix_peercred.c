// SO_PEERCRED and SCM_CREDENTIALS tell pid, uid and gid of the other end; unix(7).
// syscalls: getsockopt setsockopt
#include "ktap.h"
#include <sys/socket.h>

TEST(peercred_of_a_pair) {
    int s[2];
    struct ucred cred;
    socklen_t n = sizeof cred;
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    CHECK_EQ(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &cred, &n), 0);
    CHECK_EQ(n, sizeof cred);
    CHECK_EQ(cred.pid, getpid());
    CHECK_EQ(cred.uid, geteuid());
    CHECK_EQ(cred.gid, getegid());
}

ROLE(sender) { write(atoi(ktap_argv[2]), "hi", 2); }
TEST(credentials_with_a_message) {
    int s[2], on = 1;
    char control[256] = {0}, text[8], number[8];
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    CHECK_EQ(setsockopt(s[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
    snprintf(number, sizeof number, "%d", s[1]);
    pid_t pid = SPAWN("sender", number);
    struct iovec v = {text, sizeof text};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    CHECK_EQ(recvmsg(s[0], &m, 0), 2);
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    CHECK(c != NULL);
    CHECK_EQ(c->cmsg_type, SCM_CREDENTIALS);
    struct ucred *cred = (void *)CMSG_DATA(c);
    CHECK_EQ(cred->pid, pid);
    CHECK_EQ(cred->uid, geteuid());
    CHECK_EQ(wait_status(pid), EXITED(0));
}
