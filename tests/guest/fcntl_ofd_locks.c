// Open-file-description locks belong to the open file: two opens in one process conflict; fcntl_locking(2).
// syscalls: fcntl
// needs: threads
#include "ktap.h"
#include <pthread.h>

static int set(int fd, int type, int cmd) {
    struct flock l = {.l_type = type, .l_whence = SEEK_SET};
    return fcntl(fd, cmd, &l) == -1 ? errno : 0;
}
static int a, b;

TEST(conflict_in_one_process) {
    scratch();
    put_file("f", "x");
    a = MUST(open("f", O_RDWR)), b = MUST(open("f", O_RDWR));
    CHECK_EQ(set(a, F_WRLCK, F_OFD_SETLK), 0);
    CHECK_EQ(set(b, F_WRLCK, F_OFD_SETLK), EAGAIN);
    CHECK_EQ(set(b, F_RDLCK, F_OFD_SETLK), EAGAIN);
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    CHECK_EQ(fcntl(b, F_OFD_GETLK, &l), 0);
    CHECK_EQ(l.l_type, F_WRLCK);
    CHECK_EQ(l.l_pid, -1);
}

TEST(kept_by_a_duplicate) {
    int two = MUST(dup(a));
    close(a);
    CHECK_EQ(set(b, F_WRLCK, F_OFD_SETLK), EAGAIN);
    close(two);
    CHECK_EQ(set(b, F_WRLCK, F_OFD_SETLK), 0);
}

static void *waiter(void *arg) { return (void *)(long)set(*(int *)arg, F_WRLCK, F_OFD_SETLKW); }
TEST(wait_in_a_thread) {
    pthread_t t;
    void *r;
    a = MUST(open("f", O_RDWR));
    CHECK_EQ(pthread_create(&t, NULL, waiter, &a), 0);
    sleep_ms(10);
    CHECK_EQ(set(b, F_UNLCK, F_OFD_SETLK), 0);
    CHECK_EQ(pthread_join(t, &r), 0);
    CHECK_EQ(r, 0);
}

TEST(conflicts_with_record_locks_too) {
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_pid = 1};
    CHECK_EQ(set(b, F_WRLCK, F_SETLK), EAGAIN);
    CHECK_ERR(fcntl(b, F_OFD_SETLK, &l), EINVAL);
}
