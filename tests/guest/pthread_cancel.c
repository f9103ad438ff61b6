// A thread in read() is cancelled there, or not at all: no byte is lost, and clean-up handlers run; pthread_cancel(3), pthreads(7).
// syscalls: tgkill rt_sigreturn futex
// build: static dynamic musl musl-dynamic
// needs: threads
#include "ktap.h"
#include <pthread.h>
#include <sys/ioctl.h>

static volatile int cleaned, started, spins;
static volatile pid_t reader_tid;
static volatile long got;
static int from;
static void clean(void *arg) { cleaned += (long)arg; }

// Counts the bytes that it was given.
static void *reader(void *arg) {
    (void)arg;
    char c;
    pthread_cleanup_push(clean, (void *)1);
    reader_tid = syscall(SYS_gettid);
    started = 1;
    while (read(from, &c, 1) == 1) got++;
    pthread_cleanup_pop(0);
    return NULL;
}
static pthread_t start_reader(int fd) {
    pthread_t t;
    from = fd, got = cleaned = started = 0;
    if (pthread_create(&t, NULL, reader, NULL)) _exit(90);
    EXPECT(EVENTUALLY(started));
    return t;
}
static void cancel(pthread_t t) {
    void *result;
    CHECK_EQ(pthread_cancel(t), 0);
    CHECK_EQ(pthread_join(t, &result), 0);
    CHECK(result == PTHREAD_CANCELED);
    CHECK_EQ(cleaned, 1);
}
// Whether it sleeps: proc(5), /proc/PID/task/TID/stat.
static int reader_sleeps(void) {
    char path[64];
    sprintf(path, "/proc/self/task/%d/stat", reader_tid);
    const char *name_end = strrchr(get_file(path), ')');
    return name_end && name_end[2] == 'S';
}

// The first time the call is new to whoever runs it, later it is not.
TEST(in_a_blocking_call) {
    int p[2];
    MUST(pipe(p));
    for (int i = 0; i < 30; i++) {
        pthread_t t = start_reader(p[0]);
        CHECK(EVENTUALLY(reader_sleeps()));
        if (i % 3 == 2) {
            CHECK_EQ(write(p[1], "x", 1), 1);
            CHECK(EVENTUALLY(got == 1 && reader_sleeps()));
        }
        cancel(t);
        CHECK_EQ(got, i % 3 == 2);
    }
}

// In glibc a cancellation between the call's end and the next instructions still acts (its bug 12683).
#ifdef __GLIBC__
enum { MAY_BE_LOST = 1 };
#else
enum { MAY_BE_LOST = 0 };
#endif
static void count_lost(long taken) {
    CHECK(taken - got >= 0);
    CHECK(taken - got <= MAY_BE_LOST);
}

static void spin(int rounds) {
    for (volatile int i = 0; i < rounds; i++) {}
}
TEST(while_there_is_always_something_to_read) {
    int fd = MUST(memfd_create("endless", 0));
    MUST(ftruncate(fd, 1L << 40));
    for (int i = 0; i < 200; i++) {
        MUST(lseek(fd, 0, SEEK_SET));
        pthread_t t = start_reader(fd);
        CHECK(EVENTUALLY(got > 0));
        spin(i * 97 % 5000);
        cancel(t);
        count_lost(MUST(lseek(fd, 0, SEEK_CUR)));
    }
}

TEST(as_the_byte_arrives) {
    int p[2], left;
    MUST(pipe(p));
    for (int i = 0; i < 200; i++) {
        pthread_t t = start_reader(p[0]);
        if (i % 2) CHECK(EVENTUALLY(reader_sleeps()));
        CHECK_EQ(write(p[1], "abc", 3), 3);
        spin(i * 97 % 5000);
        cancel(t);
        MUST(ioctl(p[0], FIONREAD, &left));
        count_lost(3 - left);
        for (char c; left; left--) CHECK_EQ(read(p[0], &c, 1), 1);
    }
}

static void *spinner(void *arg) {
    (void)arg;
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    started = 1;
    for (;;) spins++;
    return NULL;
}
TEST(asynchronously_out_of_a_loop) {
    pthread_t t;
    void *result;
    started = 0;
    CHECK_EQ(pthread_create(&t, NULL, spinner, NULL), 0);
    CHECK(EVENTUALLY(started));
    CHECK_EQ(pthread_cancel(t), 0);
    CHECK_EQ(pthread_join(t, &result), 0);
    CHECK(result == PTHREAD_CANCELED);
}

static void *disabled(void *arg) {
    (void)arg;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    started = 1;
    sleep_ms(20);
    return (void *)77;
}
TEST(not_while_disabled) {
    pthread_t t;
    void *result;
    started = 0;
    CHECK_EQ(pthread_create(&t, NULL, disabled, NULL), 0);
    CHECK(EVENTUALLY(started));
    CHECK_EQ(pthread_cancel(t), 0);
    CHECK_EQ(pthread_join(t, &result), 0);
    CHECK_EQ(result, 77);
}
