// A thread runs in the same memory, has its own tid, and its value reaches join; pthread_create(3).
// syscalls: clone3 exit gettid set_robust_list
// build: static dynamic musl fixed musl-dynamic
// needs: threads
#include "ktap.h"
#include <pthread.h>

static int shared, child_pid, child_tid;

static void *body(void *arg) {
    child_pid = getpid();
    child_tid = gettid();
    shared += *(int *)arg;
    return (void *)1234;
}

TEST(create_and_join) {
    pthread_t t;
    int add = 5;
    void *result = NULL;
    CHECK_EQ(pthread_create(&t, NULL, body, &add), 0);
    CHECK_EQ(pthread_join(t, &result), 0);
    CHECK_EQ((long)result, 1234);
    CHECK_EQ(shared, 5);
}

TEST(same_process_other_tid) {
    CHECK_EQ(child_pid, getpid());
    CHECK(child_tid != gettid());
    CHECK_EQ(gettid(), getpid());
}

TEST(a_hundred_one_after_another) {
    int one = 1;
    shared = 0;
    for (int i = 0; i < 100; i++) {
        pthread_t t;
        CHECK_EQ(pthread_create(&t, NULL, body, &one), 0);
        CHECK_EQ(pthread_join(t, NULL), 0);
    }
    CHECK_EQ(shared, 100);
}

TEST(tid_of_an_ended_thread_is_free) { CHECK(EVENTUALLY(syscall(SYS_tgkill, getpid(), child_tid, 0) == -1 && errno == ESRCH)); }
