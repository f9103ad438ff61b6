// Descriptors travel in SCM_RIGHTS messages and refer to the same open file; unix(7), cmsg(3).
// syscalls: sendmsg recvmsg
#include "ktap.h"
#include <sys/socket.h>

static int s[2];
static void send_fds(int *fds, int count) {
    char control[256] = {0};
    struct iovec v = {"d", 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(count * sizeof(int))};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS, c->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(c), fds, count * sizeof(int));
    EXPECT_EQ(sendmsg(s[0], &m, 0), 1);
}
// Receives up to `room` descriptors; the number that came.
static int receive_fds(int *fds, int room, int flags, int *message_flags) {
    char control[256] = {0}, byte;
    struct iovec v = {&byte, 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = room ? CMSG_LEN(room * sizeof(int)) : 0};
    EXPECT_EQ(recvmsg(s[1], &m, flags), 1);
    *message_flags = m.msg_flags;
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    if (!c) return 0;
    EXPECT(c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS);
    int count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    memcpy(fds, CMSG_DATA(c), count * sizeof(int));
    return count;
}

TEST(same_open_file) {
    scratch();
    put_file("f", "abcdef");
    int fd = MUST(open("f", O_RDONLY)), got[4], flags;
    char c;
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    send_fds(&fd, 1);
    CHECK_EQ(receive_fds(got, 1, MSG_CMSG_CLOEXEC, &flags), 1);
    CHECK(got[0] != fd);
    CHECK_EQ(fcntl(got[0], F_GETFD), FD_CLOEXEC);
    MUST(read(fd, &c, 1));
    CHECK_EQ(read(got[0], &c, 1), 1);
    CHECK_EQ(c, 'b');
}

TEST(alive_although_closed_by_the_sender) {
    int fd = MUST(open("f", O_RDONLY)), got[4], flags;
    char c;
    send_fds(&fd, 1);
    close(fd);
    CHECK_EQ(receive_fds(got, 1, 0, &flags), 1);
    CHECK_EQ(read(got[0], &c, 1), 1);
}

TEST(several_and_too_little_room) {
    int fds[3] = {0, 1, 2}, got[4], flags;
    send_fds(fds, 3);
    CHECK_EQ(receive_fds(got, 3, 0, &flags), 3);
    CHECK_EQ(flags & MSG_CTRUNC, 0);
    send_fds(fds, 3);
    CHECK_EQ(receive_fds(got, 1, 0, &flags), 1);
    CHECK(flags & MSG_CTRUNC);
}

TEST(pipe_end_in_flight_keeps_the_pipe_open) {
    int p[2], got[4], flags;
    char c;
    MUST(pipe(p));
    send_fds(&p[1], 1);
    close(p[1]);
    fcntl(p[0], F_SETFL, O_NONBLOCK);
    CHECK_ERR(read(p[0], &c, 1), EAGAIN);
    CHECK_EQ(receive_fds(got, 1, 0, &flags), 1);
    close(got[0]);
    CHECK_EQ(read(p[0], &c, 1), 0);
}

TEST(bad_descriptor) {
    char control[64] = {0};
    struct iovec v = {"d", 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(sizeof(int))};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS, c->cmsg_len = CMSG_LEN(sizeof(int));
    *(int *)CMSG_DATA(c) = 9999;
    CHECK_ERR(sendmsg(s[0], &m, 0), EBADF);
}
