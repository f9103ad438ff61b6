// A forked child makes threads of its own, and forks from them; fork(2), pthreads(7).
// syscalls: fork clone3 futex
// build: static dynamic musl
// needs: threads
#include "ktap.h"
#include <pthread.h>
#include <semaphore.h>

enum { COUNT = 8 };
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long sum;

static void *add(void *arg) {
    for (int i = 0; i < 1000; i++) {
        pthread_mutex_lock(&mutex);
        sum += (long)arg;
        pthread_mutex_unlock(&mutex);
    }
    return arg;
}

static void add_by_threads(long what) {
    pthread_t threads[COUNT];
    sum = 0;
    for (int i = 0; i < COUNT; i++) CHECK_EQ(pthread_create(&threads[i], NULL, add, (void *)what), 0);
    for (int i = 0; i < COUNT; i++) {
        void *result;
        CHECK_EQ(pthread_join(threads[i], &result), 0);
        CHECK_EQ((long)result, what);
    }
    CHECK_EQ(sum, COUNT * 1000 * what);
}

TEST(threads_in_the_child) {
    pid_t pid = fork_child();
    if (pid == 0) {
        add_by_threads(3);
        leave();
    }
    CHECK_CHILD(pid);
    CHECK_EQ(sum, 0);
}

TEST(threads_in_both_at_once) {
    pid_t pid = fork_child();
    add_by_threads(pid ? 5 : 7);
    if (pid == 0) leave();
    CHECK_CHILD(pid);
}

static void *fork_again(void *arg) {
    pid_t pid = fork_child();
    if (pid == 0) {
        add_by_threads(2);
        leave();
    }
    *(int *)arg = wait_status(pid);
    return NULL;
}

TEST(thread_of_the_child_forks) {
    pid_t pid = fork_child();
    if (pid == 0) {
        pthread_t thread;
        int status = -1;
        CHECK_EQ(pthread_create(&thread, NULL, fork_again, &status), 0);
        pthread_join(thread, NULL);
        EXPECT_EQ(status, EXITED(0));
        leave();
    }
    CHECK_CHILD(pid);
}

// The main thread of the child ends; the process lives until its last thread does.
static void *last(void *unused) {
    sleep_ms(20);
    _exit(33);
    return unused;
}
TEST(main_thread_of_the_child_ends_first) {
    pid_t pid = fork_child();
    if (pid == 0) {
        pthread_t thread;
        CHECK_EQ(pthread_create(&thread, NULL, last, NULL), 0);
        pthread_exit(NULL);
    }
    CHECK_EQ(wait_status(pid), EXITED(33));
}

// Stacks of threads that are gone are the child's to reuse.
static void *nap(void *arg) {
    sem_wait(arg);
    return NULL;
}
TEST(after_a_parent_with_threads) {
    pthread_t threads[COUNT];
    sem_t sem;
    sem_init(&sem, 0, 0);
    for (int i = 0; i < COUNT; i++) CHECK_EQ(pthread_create(&threads[i], NULL, nap, &sem), 0);
    pid_t pid = fork_child();
    if (pid == 0) {
        add_by_threads(11);
        leave();
    }
    CHECK_CHILD(pid);
    for (int i = 0; i < COUNT; i++) sem_post(&sem);
    for (int i = 0; i < COUNT; i++) pthread_join(threads[i], NULL);
}
