// A robust mutex whose owner died is handed on with EOWNERDEAD; set_robust_list(2), pthread_mutex_consistent(3).
// syscalls: set_robust_list get_robust_list futex
// needs: threads
#include "ktap.h"
#include <linux/futex.h>
#include <pthread.h>

static pthread_mutex_t m;
static void *die_holding(void *arg) {
    (void)arg;
    return (void *)(long)pthread_mutex_lock(&m);
}

TEST(owner_died) {
    pthread_mutexattr_t attr;
    pthread_t t;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    CHECK_EQ(pthread_mutex_init(&m, &attr), 0);
    CHECK_EQ(pthread_create(&t, NULL, die_holding, NULL), 0);
    CHECK_EQ(pthread_join(t, NULL), 0);
    CHECK_EQ(pthread_mutex_lock(&m), EOWNERDEAD);
    CHECK_EQ(pthread_mutex_consistent(&m), 0);
    CHECK_EQ(pthread_mutex_unlock(&m), 0);
    CHECK_EQ(pthread_mutex_lock(&m), 0);
    CHECK_EQ(pthread_mutex_unlock(&m), 0);
}

// Between processes: the mutex lies in a shared file map, and the owner is killed while this one waits.
struct shared {
    pthread_mutex_t m;
    volatile int held;
};
static struct shared *map(const char *path) {
    int fd = MUST(open(path, O_RDWR | O_CREAT, 0600));
    MUST(ftruncate(fd, sizeof(struct shared)));
    return MUST(mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
}
ROLE(hold) {
    struct shared *s = map("m");
    CHECK_EQ(pthread_mutex_lock(&s->m), 0);
    s->held = 1;
    sleep_ms(20);
    kill(getpid(), SIGKILL);
}
TEST(owner_process_killed_while_one_waits) {
    scratch();
    struct shared *s = map("m");
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    CHECK_EQ(pthread_mutex_init(&s->m, &attr), 0);
    pid_t pid = SPAWN("hold");
    CHECK(EVENTUALLY(s->held));
    CHECK_EQ(pthread_mutex_lock(&s->m), EOWNERDEAD);
    CHECK_EQ(wait_status(pid), SIGKILL);
}

TEST(get_and_set) {
    void *head = NULL;
    size_t length = 0;
    CHECK_EQ(syscall(SYS_get_robust_list, 0, &head, &length), 0);
    CHECK(head != NULL);
    CHECK_EQ(length, 24);
    CHECK_EQ(syscall(SYS_set_robust_list, head, length), 0);
    CHECK_ERR(syscall(SYS_set_robust_list, head, 23), EINVAL);
}
