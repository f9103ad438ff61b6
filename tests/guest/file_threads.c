// One position shared by threads: each byte of a file is read by one of them; O_APPEND loses nothing; read(2).
// syscalls: read write
// needs: threads
#include "ktap.h"
#include <pthread.h>

static int fd;
static int counts[4][256];
static void *reader(void *arg) {
    unsigned char b[16];
    int *mine = counts[(long)arg];
    for (ssize_t n; (n = read(fd, b, sizeof b)) > 0;)
        for (int i = 0; i < n; i++) mine[b[i]]++;
    return NULL;
}
TEST(every_byte_once) {
    scratch();
    unsigned char all[256];
    pthread_t t[4];
    fd = MUST(open("f", O_RDWR | O_CREAT, 0600));
    for (int i = 0; i < 256; i++) all[i] = i;
    for (int i = 0; i < 64; i++) MUST(write(fd, all, 256));
    MUST(lseek(fd, 0, SEEK_SET));
    for (long i = 0; i < 4; i++) CHECK_EQ(pthread_create(&t[i], NULL, reader, (void *)i), 0);
    for (int i = 0; i < 4; i++) CHECK_EQ(pthread_join(t[i], NULL), 0);
    for (int i = 0; i < 256; i++) CHECK_EQ(counts[0][i] + counts[1][i] + counts[2][i] + counts[3][i], 64);
}

static void *appender(void *arg) {
    int f = open("log", O_WRONLY | O_APPEND);
    char line[10];
    memset(line, 'a' + (long)arg, 9);
    line[9] = '\n';
    for (int i = 0; i < 200; i++)
        if (write(f, line, 10) != 10) return (void *)1;
    return NULL;
}
TEST(appends_do_not_overlap) {
    pthread_t t[4];
    put_file("log", "");
    for (long i = 0; i < 4; i++) CHECK_EQ(pthread_create(&t[i], NULL, appender, (void *)i), 0);
    for (int i = 0; i < 4; i++) CHECK_EQ(pthread_join(t[i], NULL), 0);
    char *text = get_file("log");
    CHECK_EQ(get_length, 8000);
    for (int i = 0; i < 8000; i += 10)
        for (int k = 1; k < 9; k++) CHECK_EQ(text[i + k], text[i]);
}
