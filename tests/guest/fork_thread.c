// fork() from a program with threads: only the caller goes on in the child, with all memory and locks as they were; fork(2).
// syscalls: fork clone3 futex
// build: static dynamic musl
// needs: threads
#include "ktap.h"
#include <pthread.h>

static __thread int local = 7;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static volatile long counter;
static volatile int stop;

static int tasks(void) {
    DIR *dir = opendir("/proc/self/task");
    int count = 0;
    for (struct dirent *e; (e = readdir(dir));) count += e->d_name[0] != '.';
    closedir(dir);
    return count;
}

static void *count(void *unused) {
    while (!stop) counter = counter + 1;
    return unused;
}

static void *fork_here(void *arg) {
    char on_stack[5000];
    memset(on_stack, 's', sizeof on_stack);
    local = 99;
    pid_t pid = fork_child();
    if (pid == 0) {
        EXPECT_EQ(tasks(), 1);
        EXPECT_EQ(syscall(SYS_gettid), getpid());
        EXPECT_EQ(local, 99);
        for (unsigned i = 0; i < sizeof on_stack; i++) EXPECT_EQ(on_stack[i], 's');
        long before = counter;
        sleep_ms(20);
        EXPECT_EQ(counter, before);
        memset(on_stack, 'c', sizeof on_stack);
        local = 100;
        leave();
    }
    *(int *)arg = wait_status(pid);
    EXPECT_EQ(local, 99);
    for (unsigned i = 0; i < sizeof on_stack; i++) EXPECT_EQ(on_stack[i], 's');
    return NULL;
}

TEST(only_the_caller) {
    pthread_t counting, forking;
    int status = -1;
    stop = 0;
    CHECK_EQ(pthread_create(&counting, NULL, count, NULL), 0);
    CHECK(EVENTUALLY(counter > 0));
    CHECK_EQ(pthread_create(&forking, NULL, fork_here, &status), 0);
    pthread_join(forking, NULL);
    CHECK_EQ(status, EXITED(0));
    long before = counter;
    CHECK(EVENTUALLY(counter != before));
    stop = 1;
    pthread_join(counting, NULL);
    CHECK_EQ(local, 7);
}

// The main thread forks; the child returns from the case's frame as the only thread.
TEST(from_the_main_thread) {
    pthread_t counting;
    stop = 0;
    CHECK_EQ(pthread_create(&counting, NULL, count, NULL), 0);
    pid_t pid = fork_child();
    if (pid == 0) {
        EXPECT_EQ(tasks(), 1);
        leave();
    }
    CHECK_CHILD(pid);
    stop = 1;
    pthread_join(counting, NULL);
}

static char order[16];
static void note(char c) {
    size_t length = strlen(order);
    if (length < 4) order[length] = c;
}
static void prepare_a(void) { note('a'); }
static void prepare_b(void) { note('b'); pthread_mutex_lock(&mutex); }
static void parent_a(void) { note('A'); }
static void parent_b(void) { note('B'); pthread_mutex_unlock(&mutex); }
static void child_a(void) { note('1'); }
static void child_b(void) { note('2'); pthread_mutex_unlock(&mutex); }

TEST(handlers_run_in_order) {
    CHECK_EQ(pthread_atfork(prepare_a, parent_a, child_a), 0);
    CHECK_EQ(pthread_atfork(prepare_b, parent_b, child_b), 0);
    pid_t pid = fork_child();
    if (pid == 0) {
        EXPECT(strcmp(order, "ba12") == 0);
        EXPECT_EQ(pthread_mutex_trylock(&mutex), 0);
        leave();
    }
    CHECK(strcmp(order, "baAB") == 0);
    CHECK_CHILD(pid);
    CHECK_EQ(pthread_mutex_trylock(&mutex), 0);
    pthread_mutex_unlock(&mutex);
}

// A lock that another thread holds is copied as held, and nobody in the child will release it.
static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;
static struct gate taken, done;
static void *hold(void *unused) {
    pthread_mutex_lock(&held);
    open_gate(taken);
    pass_gate(done);
    pthread_mutex_unlock(&held);
    return unused;
}
TEST(held_mutex) {
    pthread_t holder;
    taken = gate(), done = gate();
    CHECK_EQ(pthread_create(&holder, NULL, hold, NULL), 0);
    pass_gate(taken);
    pid_t pid = fork_child();
    if (pid == 0) {
        EXPECT_EQ(pthread_mutex_trylock(&held), EBUSY);
        leave();
    }
    CHECK_CHILD(pid);
    open_gate(done);
    pthread_join(holder, NULL);
    CHECK_EQ(pthread_mutex_trylock(&held), 0);
    pthread_mutex_unlock(&held);
}

// Four threads fork at the same time, again and again.
static void *fork_often(void *arg) {
    for (int i = 0; i < 25; i++) {
        pid_t pid = fork();
        if (pid == 0) _exit(i + (long)arg);
        if (pid < 0 || wait_status(pid) != EXITED(i + (long)arg)) return (void *)1L;
    }
    return NULL;
}
TEST(threads_fork_at_once) {
    pthread_t threads[4];
    for (long i = 0; i < 4; i++) CHECK_EQ(pthread_create(&threads[i], NULL, fork_often, (void *)(i * 25)), 0);
    for (int i = 0; i < 4; i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        EXPECT(failed == NULL);
    }
}
