// Names of threads by prctl and /proc/self/task/TID/comm, 15 bytes long; prctl(2), proc(5).
// syscalls: prctl
// build: static musl
// needs: threads
#include "ktap.h"
#include <pthread.h>
#include <sys/prctl.h>

static volatile int ready, stop, tid;
static void *body(void *arg) {
    (void)arg;
    prctl(PR_SET_NAME, "worker-with-a-long-name");
    tid = gettid();
    ready = 1;
    while (!stop) sleep_ms(1);
    return NULL;
}

TEST(own_name_is_the_programs) {
    char name[16];
    CHECK_EQ(prctl(PR_GET_NAME, name), 0);
    CHECK(strncmp(name, "thread_names", 12) == 0);
}

TEST(set_and_get) {
    char name[16] = {0};
    CHECK_EQ(prctl(PR_SET_NAME, "0123456789abcdefghij"), 0);
    CHECK_EQ(prctl(PR_GET_NAME, name), 0);
    CHECK(strcmp(name, "0123456789abcde") == 0);
    CHECK(strcmp(get_file("/proc/self/comm"), "0123456789abcde\n") == 0);
}

TEST(per_thread_in_proc) {
    pthread_t t;
    char path[64];
    CHECK_EQ(pthread_create(&t, NULL, body, NULL), 0);
    CHECK(EVENTUALLY(ready));
    snprintf(path, sizeof path, "/proc/self/task/%d/comm", tid);
    CHECK(strcmp(get_file(path), "worker-with-a-l\n") == 0);
    CHECK(strcmp(get_file("/proc/self/comm"), "0123456789abcde\n") == 0);
    stop = 1;
    CHECK_EQ(pthread_join(t, NULL), 0);
}
