// exit() in any thread ends them all with its status; a signal's death too; the first thread may leave early; exit_group(2).
// syscalls: exit_group exit
// needs: threads
#include "ktap.h"
#include <pthread.h>

static void *end_all(void *arg) { _exit((long)arg); }
static void *spin(void *arg) {
    for (;;) (*(volatile long *)arg)++;
    return NULL;
}
static void *crash(void *arg) {
    (void)arg;
    *(volatile int *)16 = 1;
    return NULL;
}
static void start(void *(*body)(void *), void *arg) {
    pthread_t t;
    if (pthread_create(&t, NULL, body, arg)) _exit(90);
}
static long count;

ROLE(thread_leaves) {
    start(spin, &count);
    start(end_all, (void *)33);
    for (;;) pause();
}
ROLE(thread_crashes) {
    start(spin, &count);
    start(crash, NULL);
    for (;;) pause();
}
static void *late(void *arg) {
    (void)arg;
    sleep_ms(20);
    _exit(21);
}
ROLE(first_thread_leaves) {
    start(late, NULL);
    pthread_exit(NULL);
}
static void *just_end(void *arg) { return arg; }
ROLE(all_leave_by_themselves) {
    start(just_end, NULL);
    pthread_exit(NULL);
}

TEST(from_a_thread) { CHECK_EQ(wait_status(SPAWN("thread_leaves")), EXITED(33)); }
TEST(crash_of_a_thread) { CHECK_EQ(wait_status(SPAWN("thread_crashes")) & 0x7f, SIGSEGV); }
TEST(first_thread_gone_first) { CHECK_EQ(wait_status(SPAWN("first_thread_leaves")), EXITED(21)); }
TEST(last_thread_ends_the_process) { CHECK_EQ(wait_status(SPAWN("all_leave_by_themselves")), EXITED(0)); }
