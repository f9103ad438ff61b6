// A wait in one thread sees a child started by another, unless __WNOTHREAD; wait(2).
// syscalls: wait4
// needs: threads
#include "ktap.h"
#include <pthread.h>

ROLE(leave) {
    sleep_ms(10);
    _exit(4);
}

static void *waiter(void *arg) { return (void *)(long)wait_status(*(pid_t *)arg); }
static void *own_only(void *arg) {
    (void)arg;
    int status;
    return (void *)(long)(waitpid(-1, &status, __WNOTHREAD) == -1 ? errno : 0);
}

TEST(any_thread_may_wait) {
    pthread_t t;
    void *r;
    pid_t pid = SPAWN("leave");
    CHECK_EQ(pthread_create(&t, NULL, waiter, &pid), 0);
    CHECK_EQ(pthread_join(t, &r), 0);
    CHECK_EQ(r, EXITED(4));
}

TEST(nothread_sees_own_children) {
    pthread_t t;
    void *r;
    pid_t pid = SPAWN("leave");
    CHECK_EQ(pthread_create(&t, NULL, own_only, NULL), 0);
    CHECK_EQ(pthread_join(t, &r), 0);
    CHECK_EQ(r, ECHILD);
    CHECK_EQ(wait_status(pid), EXITED(4));
}
