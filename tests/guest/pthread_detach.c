// Detached threads end by themselves and give their memory back; pthread_detach(3).
// syscalls: munmap madvise exit
// build: static musl
// needs: threads
#include "ktap.h"
#include <pthread.h>

static volatile int done;
static void *body(void *arg) {
    volatile char block[4096];
    memset((char *)block, (long)arg, sizeof block);
    __atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

TEST(two_hundred) {
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    for (long i = 0; i < 200; i++) {
        pthread_t t;
        CHECK_EQ(pthread_create(&t, &attr, body, (void *)i), 0);
        if (i % 20 == 19) CHECK(EVENTUALLY(done == i + 1));
    }
    CHECK_EQ(done, 200);
}

TEST(detach_after_the_fact) {
    pthread_t t;
    done = 0;
    CHECK_EQ(pthread_create(&t, NULL, body, NULL), 0);
    CHECK_EQ(pthread_detach(t), 0);
    CHECK(EVENTUALLY(done == 1));
}
