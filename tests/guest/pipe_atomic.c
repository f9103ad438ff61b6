// Blocking writes of up to PIPE_BUF from many threads never interleave; pipe(7).
// syscalls: write read
// needs: threads
#include "ktap.h"
#include <pthread.h>

enum { WRITERS = 4, RECORDS = 300, SIZE = 1000 };
static int p[2];
static void *writer(void *arg) {
    char record[SIZE];
    memset(record, (long)arg, SIZE);
    for (int i = 0; i < RECORDS; i++)
        if (write(p[1], record, SIZE) != SIZE) return (void *)1;
    return NULL;
}

TEST(records_stay_whole) {
    pthread_t t[WRITERS];
    int count[WRITERS] = {0};
    MUST(pipe(p));
    for (long i = 0; i < WRITERS; i++) CHECK_EQ(pthread_create(&t[i], NULL, writer, (void *)i), 0);
    for (int i = 0; i < WRITERS * RECORDS; i++) {
        char record[SIZE];
        for (int n = 0; n < SIZE;) n += MUST(read(p[0], record + n, SIZE - n));
        for (int k = 1; k < SIZE; k++) CHECK_EQ(record[k], record[0]);
        CHECK(record[0] < WRITERS);
        count[(int)record[0]]++;
    }
    for (int i = 0; i < WRITERS; i++) {
        void *bad;
        CHECK_EQ(pthread_join(t[i], &bad), 0);
        CHECK_EQ(bad, 0);
        CHECK_EQ(count[i], RECORDS);
    }
}

static void *drain(void *arg) {
    static char b[300000];
    long total = 0;
    for (ssize_t n; total < 300000 && (n = read(p[0], b, sizeof b)) > 0;) total += n;
    *(long *)arg = total;
    return NULL;
}
TEST(large_write_waits_until_all_is_in) {
    pthread_t t;
    static char b[300000];
    long total;
    CHECK_EQ(pthread_create(&t, NULL, drain, &total), 0);
    CHECK_EQ(write(p[1], b, sizeof b), 300000);
    CHECK_EQ(pthread_join(t, NULL), 0);
    CHECK_EQ(total, 300000);
}
