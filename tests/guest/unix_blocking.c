// A full stream socket blocks its writer until the reader takes; shutdown wakes a blocked reader; unix(7).
// syscalls: sendto recvfrom shutdown
// needs: threads
#include "ktap.h"
#include <pthread.h>
#include <sys/socket.h>

static int s[2];
static volatile long got;
static void *drain(void *arg) {
    static char b[65536];
    (void)arg;
    for (ssize_t n; (n = read(s[1], b, sizeof b)) > 0;) got += n;
    return NULL;
}

TEST(two_megabytes) {
    static char b[1 << 20];
    pthread_t t;
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    CHECK_EQ(pthread_create(&t, NULL, drain, NULL), 0);
    CHECK_EQ(write(s[0], b, sizeof b), sizeof b);
    CHECK_EQ(send(s[0], b, sizeof b, 0), sizeof b);
    close(s[0]);
    CHECK_EQ(pthread_join(t, NULL), 0);
    CHECK_EQ(got, 2 << 20);
}

static void *reader(void *arg) {
    char c;
    (void)arg;
    return (void *)(long)read(s[0], &c, 1);
}
TEST(shutdown_wakes) {
    pthread_t t;
    void *r = (void *)99;
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    CHECK_EQ(pthread_create(&t, NULL, reader, NULL), 0);
    sleep_ms(10);
    CHECK_EQ(shutdown(s[0], SHUT_RD), 0);
    CHECK_EQ(pthread_join(t, &r), 0);
    CHECK_EQ(r, 0);
}

TEST(wait_for_all) {
    char b[10];
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    MUST(write(s[0], "12345", 5));
    CHECK_EQ(recv(s[1], b, 5, MSG_WAITALL), 5);
    MUST(write(s[0], "123", 3));
    close(s[0]);
    CHECK_EQ(recv(s[1], b, 10, MSG_WAITALL), 3);
}
