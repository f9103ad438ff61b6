// flock() locks an open file: shared with its duplicates, in conflict with other opens; flock(2).
// syscalls: flock
// needs: threads
#include "ktap.h"
#include <pthread.h>
#include <sys/file.h>

static int a, b;

TEST(exclusive_and_shared) {
    scratch();
    put_file("f", "x");
    a = MUST(open("f", O_RDONLY)), b = MUST(open("f", O_RDONLY));
    CHECK_EQ(flock(a, LOCK_EX), 0);
    CHECK_ERR(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    CHECK_ERR(flock(b, LOCK_SH | LOCK_NB), EWOULDBLOCK);
    CHECK_EQ(flock(a, LOCK_SH), 0);
    CHECK_EQ(flock(b, LOCK_SH | LOCK_NB), 0);
    CHECK_ERR(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    CHECK_EQ(flock(a, LOCK_UN), 0);
    CHECK_EQ(flock(b, LOCK_EX | LOCK_NB), 0);
    CHECK_EQ(flock(b, LOCK_UN), 0);
}

TEST(released_with_the_last_duplicate) {
    CHECK_EQ(flock(a, LOCK_EX), 0);
    int two = MUST(dup(a));
    close(a);
    CHECK_ERR(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    close(two);
    CHECK_EQ(flock(b, LOCK_EX | LOCK_NB), 0);
}

static void *unlock(void *arg) {
    (void)arg;
    sleep_ms(10);
    flock(b, LOCK_UN);
    return NULL;
}
TEST(waits_for_its_turn) {
    pthread_t t;
    a = MUST(open("f", O_RDONLY));
    CHECK_EQ(pthread_create(&t, NULL, unlock, NULL), 0);
    CHECK_EQ(flock(a, LOCK_EX), 0);
    CHECK_EQ(pthread_join(t, NULL), 0);
}

TEST(errors) {
    CHECK_ERR(flock(a, 77), EINVAL);
    CHECK_ERR(flock(900, LOCK_EX), EBADF);
}
