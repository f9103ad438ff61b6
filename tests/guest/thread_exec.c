// execve() from a thread ends the others, and the new program has the process's pid as its tid; execve(2).
// syscalls: execve
// needs: threads
#include "ktap.h"
#include <pthread.h>

ROLE(after) {
    CHECK_EQ(getpid(), atoi(ktap_argv[2]));
    CHECK_EQ(gettid(), getpid());
    DIR *tasks = opendir("/proc/self/task");
    int count = 0;
    for (struct dirent *e; (e = readdir(tasks));) count += e->d_name[0] != '.';
    CHECK_EQ(count, 1);
}

static void *replace(void *arg) {
    (void)arg;
    char pid[16];
    snprintf(pid, sizeof pid, "%d", getpid());
    execl("/proc/self/exe", "guest", "after", pid, NULL);
    return NULL;
}
static void *idle(void *arg) {
    for (;;) pause();
    return arg;
}
static void *spin(void *arg) {
    for (;;) (*(volatile long *)arg)++;
    return NULL;
}
ROLE(before) {
    pthread_t t;
    static long count;
    pthread_create(&t, NULL, idle, NULL);
    pthread_create(&t, NULL, spin, &count);
    pthread_create(&t, NULL, replace, NULL);
    for (;;) pause();
}

TEST(pid_is_kept) {
    pid_t pid = SPAWN("before");
    CHECK_EQ(wait_status(pid), EXITED(0));
}

ROLE(failing) {
    pthread_t t;
    static long count;
    pthread_create(&t, NULL, spin, &count);
    CHECK_ERR(execl("/no/such/file", "x", NULL), ENOENT);
    long before = count;
    CHECK(EVENTUALLY(*(volatile long *)&count != before));
}
TEST(failed_exec_keeps_the_threads) { CHECK_EQ(wait_status(SPAWN("failing")), EXITED(0)); }
