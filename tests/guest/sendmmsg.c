// Several messages in one call; sendmmsg(2), recvmmsg(2).
// syscalls: sendmmsg recvmmsg
#include "ktap.h"
#include <sys/socket.h>

TEST(three_at_once) {
    int s[2];
    char text[3][8] = {{0}};
    MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
    struct iovec out[3] = {{"one", 3}, {"two", 3}, {"three", 5}}, in[4];
    struct mmsghdr m[4] = {0};
    for (int i = 0; i < 3; i++) m[i].msg_hdr.msg_iov = &out[i], m[i].msg_hdr.msg_iovlen = 1;
    CHECK_EQ(sendmmsg(s[0], m, 3, 0), 3);
    CHECK_EQ(m[2].msg_len, 5);
    for (int i = 0; i < 3; i++) in[i] = (struct iovec){text[i], 8}, m[i].msg_hdr.msg_iov = &in[i];
    CHECK_EQ(recvmmsg(s[1], m, 3, MSG_DONTWAIT, NULL), 3);
    CHECK_EQ(m[0].msg_len, 3);
    CHECK(strcmp(text[0], "one") == 0 && strcmp(text[1], "two") == 0 && strcmp(text[2], "three") == 0);
    CHECK_ERR(recvmmsg(s[1], m, 3, MSG_DONTWAIT, NULL), EAGAIN);
}
