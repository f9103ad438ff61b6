// Abstract names live outside the file system and vanish with their socket; autobind picks one; unix(7).
// syscalls: bind connect getsockname
#include "ktap.h"
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct sockaddr_un address = {AF_UNIX, {0}};
static socklen_t length;

TEST(name_with_zeros) {
    snprintf(address.sun_path + 1, 60, "guest-%d", getpid());
    int n = strlen(address.sun_path + 1);
    memcpy(address.sun_path + 1 + n, "\0x", 2);
    length = offsetof(struct sockaddr_un, sun_path) + 1 + n + 2;
    int server = MUST(socket(AF_UNIX, SOCK_STREAM, 0)), client = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    CHECK_EQ(bind(server, (void *)&address, length), 0);
    CHECK_EQ(listen(server, 1), 0);
    CHECK_ERR(connect(client, (void *)&address, length - 1), ECONNREFUSED);
    CHECK_EQ(connect(client, (void *)&address, length), 0);
    struct sockaddr_un seen;
    socklen_t size = sizeof seen;
    CHECK_EQ(getpeername(client, (void *)&seen, &size), 0);
    CHECK_EQ(size, length);
    CHECK(memcmp(&seen, &address, size) == 0);
    int other = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    CHECK_ERR(bind(other, (void *)&address, length), EADDRINUSE);
    close(server);
    CHECK_EQ(bind(other, (void *)&address, length), 0);
}

TEST(autobind) {
    struct sockaddr_un seen;
    socklen_t size = sizeof seen;
    int s = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
    CHECK_EQ(bind(s, (void *)&(sa_family_t){AF_UNIX}, sizeof(sa_family_t)), 0);
    CHECK_EQ(getsockname(s, (void *)&seen, &size), 0);
    CHECK_EQ(size, 2 + 6);
    CHECK_EQ(seen.sun_path[0], 0);
}

TEST(errors) {
    int s = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    struct sockaddr_un wrong = {AF_INET, "x"};
    CHECK_ERR(bind(s, (void *)&wrong, sizeof wrong), EINVAL);
    CHECK_ERR(bind(s, (void *)&address, 1), EINVAL);
    CHECK_ERR(bind(s, (void *)&address, sizeof address + 1), EINVAL);
    CHECK_ERR(bind(s, (void *)8, sizeof address), EFAULT);
    CHECK_ERR(bind(1, (void *)&address, length), ENOTSOCK);
}
