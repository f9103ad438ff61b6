// Futexes across fork(): shared ones wake the other process, private ones at the same address do not; futex(2).
// syscalls: futex fork set_robust_list
// build: static dynamic
// needs: threads
#include "ktap.h"
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

static atomic_int *shared;
static atomic_int private_word;

static long futex(atomic_int *word, int op, int value, int timeout_ms) {
    struct timespec t = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};
    return syscall(SYS_futex, word, op, value, timeout_ms ? &t : NULL, NULL, 0);
}
static void *shared_page(void) { return MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)); }

TEST(shared_word_wakes_the_other) {
    shared = shared_page();
    pid_t pid = fork_child();
    if (pid == 0) {
        EXPECT_EQ(futex(shared, FUTEX_WAIT, 0, 5000), 0);
        leave();
    }
    CHECK(EVENTUALLY(futex(shared, FUTEX_WAKE, 1, 0) == 1));
    CHECK_CHILD(pid);
}

// The two words have the same address and nothing to do with each other, whether the call says private or not.
TEST(private_memory_is_apart) {
    for (int flag = 0; flag <= FUTEX_PRIVATE_FLAG; flag += FUTEX_PRIVATE_FLAG) {
        struct gate ready = gate();
        private_word = 0;
        pid_t pid = fork_child();
        if (pid == 0) {
            private_word = 5;
            open_gate(ready);
            EXPECT_ERR(futex(&private_word, FUTEX_WAIT | flag, 5, 60), ETIMEDOUT);
            EXPECT_ERR(futex(&private_word, FUTEX_WAIT | flag, 0, 60), EAGAIN);
            leave();
        }
        pass_gate(ready);
        sleep_ms(20);
        CHECK_EQ(futex(&private_word, FUTEX_WAKE | flag, 100, 0), 0);
        CHECK_ERR(futex(&private_word, FUTEX_WAIT | flag, 5, 60), EAGAIN);
        CHECK_CHILD(pid);
    }
}

TEST(ping_pong) {
    *shared = 0;
    pid_t pid = fork_child();
    int mine = pid ? 0 : 1;
    for (int i = 0; i < 2000; i++) {
        while (*shared % 2 != mine) {
            int now = *shared;
            if (now % 2 != mine) futex(shared, FUTEX_WAIT, now, 1000);
        }
        CHECK_EQ(*shared, 2 * i + mine);
        *shared = 2 * i + mine + 1;
        futex(shared, FUTEX_WAKE, 1, 0);
    }
    if (pid == 0) leave();
    CHECK_CHILD(pid);
    CHECK_EQ(*shared, 4000);
}

struct room {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    pthread_barrier_t barrier;
    sem_t sem;
    int count;
};
static struct room *make_room(int robust) {
    struct room *room = shared_page();
    pthread_mutexattr_t m;
    pthread_condattr_t c;
    pthread_barrierattr_t b;
    pthread_mutexattr_init(&m);
    pthread_mutexattr_setpshared(&m, PTHREAD_PROCESS_SHARED);
    if (robust) pthread_mutexattr_setrobust(&m, PTHREAD_MUTEX_ROBUST);
    pthread_condattr_init(&c);
    pthread_condattr_setpshared(&c, PTHREAD_PROCESS_SHARED);
    pthread_barrierattr_init(&b);
    pthread_barrierattr_setpshared(&b, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&room->mutex, &m);
    pthread_cond_init(&room->cond, &c);
    pthread_barrier_init(&room->barrier, &b, 5);
    sem_init(&room->sem, 1, 0);
    return room;
}

TEST(locks_between_processes) {
    struct room *room = make_room(0);
    for (int i = 0; i < 4; i++)
        if (fork_child() == 0) {
            for (int k = 0; k < 500; k++) {
                pthread_mutex_lock(&room->mutex);
                int seen = room->count;
                if (k % 100 == 0) sleep_ms(1);
                room->count = seen + 1;
                pthread_mutex_unlock(&room->mutex);
            }
            sem_post(&room->sem);
            pthread_barrier_wait(&room->barrier);
            pthread_mutex_lock(&room->mutex);
            while (room->count < 3000) pthread_cond_wait(&room->cond, &room->mutex);
            pthread_mutex_unlock(&room->mutex);
            leave();
        }
    for (int i = 0; i < 4; i++)
        while (sem_wait(&room->sem)) {}
    CHECK_EQ(room->count, 2000);
    pthread_barrier_wait(&room->barrier);
    pthread_mutex_lock(&room->mutex);
    room->count = 3000;
    pthread_cond_broadcast(&room->cond);
    pthread_mutex_unlock(&room->mutex);
    for (int i = 0; i < 4; i++) CHECK_EQ(wait_status(-1), EXITED(0));
}

// The owner dies: by exit, by a signal while another process runs.
TEST(robust_mutex) {
    struct room *room = make_room(1);
    for (int killed = 0; killed < 2; killed++) {
        struct gate locked = gate();
        pid_t pid = fork_child();
        if (pid == 0) {
            EXPECT_EQ(pthread_mutex_lock(&room->mutex), 0);
            open_gate(locked);
            if (!killed) leave();
            for (;;) pause();
        }
        pass_gate(locked);
        if (killed) MUST(kill(pid, SIGKILL));
        CHECK_EQ(wait_status(pid), killed ? SIGKILL : EXITED(0));
        CHECK_EQ(pthread_mutex_lock(&room->mutex), EOWNERDEAD);
        CHECK_EQ(pthread_mutex_consistent(&room->mutex), 0);
        CHECK_EQ(pthread_mutex_unlock(&room->mutex), 0);
    }
}

// The parent's robust list is not the child's: a mutex that the parent holds is not released by the child's death.
TEST(robust_list_is_not_inherited) {
    struct room *room = make_room(1);
    CHECK_EQ(pthread_mutex_lock(&room->mutex), 0);
    pid_t pid = fork_child();
    if (pid == 0) leave();
    CHECK_CHILD(pid);
    pid = fork_child();
    if (pid == 0) {
        EXPECT_EQ(pthread_mutex_trylock(&room->mutex), EBUSY);
        leave();
    }
    CHECK_CHILD(pid);
    CHECK_EQ(pthread_mutex_unlock(&room->mutex), 0);
}

// A file map is shared by inode and offset, whatever the addresses.
TEST(word_in_a_file) {
    scratch();
    int fd = MUST(open("word", O_RDWR | O_CREAT, 0600));
    MUST(ftruncate(fd, 4096));
    pid_t pid = fork_child();
    if (pid == 0) {
        MUST(mmap(NULL, 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        atomic_int *word = MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
        EXPECT_EQ(futex(word + 3, FUTEX_WAIT, 0, 5000), 0);
        leave();
    }
    atomic_int *word = MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    CHECK(EVENTUALLY(futex(word + 3, FUTEX_WAKE, 1, 0) == 1));
    CHECK_CHILD(pid);
}
