// Readers and writers of terminals that wait, and what ends the wait: data, room, VTIME, a signal, the other side's
// end; termios(3).
// syscalls: read write ioctl
// needs: threads pty
#include "ktap.h"
#include <pthread.h>
#include <sys/ioctl.h>
#include <termios.h>

static int master, slave;

static void open_pair(int minimum, int tenths) {
    struct termios t;
    master = MUST(posix_openpt(O_RDWR | O_NOCTTY));
    MUST(unlockpt(master));
    slave = MUST(open(ptsname(master), O_RDWR | O_NOCTTY));
    MUST(tcgetattr(slave, &t));
    if (minimum >= 0) {
        cfmakeraw(&t);
        t.c_cc[VMIN] = minimum;
        t.c_cc[VTIME] = tenths;
    }
    MUST(tcsetattr(slave, TCSANOW, &t));
}
static void close_pair(void) {
    close(slave);
    close(master);
}

// Types each byte of a text into the master, `gap` ms before each.
struct typing {
    const char *text;
    int gap;
};
static void *type(void *arg) {
    struct typing *t = arg;
    for (const char *c = t->text; *c; c++) {
        sleep_ms(t->gap);
        if (write(master, c, 1) != 1) return "write";
    }
    return NULL;
}

static ssize_t read_while_typing(const char *text, int gap, char *buf, size_t size, int64_t *took_ms) {
    struct typing typing = {text, gap};
    pthread_t typist;
    int64_t start = now_ns();
    pthread_create(&typist, NULL, type, &typing);
    ssize_t n = read(slave, buf, size);
    *took_ms = (now_ns() - start) / 1000000;
    pthread_join(typist, NULL);
    return n;
}

TEST(a_line) {
    char buf[16];
    int64_t ms;
    open_pair(-1, 0);
    CHECK_EQ(read_while_typing("ab\n", 10, buf, sizeof buf, &ms), 3);
    CHECK(memcmp(buf, "ab\n", 3) == 0);
    CHECK(ms >= 25);
    close_pair();
}

TEST(minimum) {
    char buf[16];
    int64_t ms;
    open_pair(3, 0);
    CHECK_EQ(read_while_typing("abc", 10, buf, sizeof buf, &ms), 3);
    CHECK(ms >= 25);
    close_pair();
}

TEST(timer_alone) {
    char buf[16];
    int64_t start = now_ns();
    open_pair(0, 1);
    CHECK_EQ(read(slave, buf, sizeof buf), 0);
    int64_t ms = (now_ns() - start) / 1000000;
    CHECK(ms >= 90 && ms < 2000);
    CHECK_EQ(read_while_typing("a", 20, buf, sizeof buf, &ms), 1);
    CHECK(ms < 90);
    close_pair();
}

TEST(timer_between_bytes) {
    char buf[16];
    int64_t ms;
    open_pair(10, 1);
    // The timer starts with the first byte, and anew with each: five bytes 40 ms apart come together.
    CHECK_EQ(read_while_typing("abcde", 40, buf, sizeof buf, &ms), 5);
    CHECK(ms >= 5 * 40 + 90 - 10);
    close_pair();
}

TEST(neither) {
    char buf[4];
    open_pair(0, 0);
    CHECK_EQ(read(slave, buf, 4), 0);
    close_pair();
}

TEST(nonblocking) {
    char buf[4];
    open_pair(1, 0);
    CHECK_EQ(fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK), 0);
    CHECK_EQ(fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK), 0);
    CHECK_ERR(read(slave, buf, 4), EAGAIN);
    CHECK_ERR(read(master, buf, 4), EAGAIN);
    close_pair();
}

static void on_signal(int sig) { (void)sig; }
static void *interrupt(void *target) {
    sleep_ms(30);
    pthread_kill(*(pthread_t *)target, SIGUSR1);
    return NULL;
}
TEST(a_signal) {
    char buf[4];
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, NULL);
    pthread_t me = pthread_self(), other;
    open_pair(1, 0);
    pthread_create(&other, NULL, interrupt, &me);
    CHECK_ERR(read(slave, buf, 4), EINTR);
    pthread_join(other, NULL);
    close_pair();
}

static void *drain(void *arg) {
    static char buf[65536];
    long *total = arg;
    while (*total > 0) {
        ssize_t n = read(master, buf, sizeof buf);
        if (n <= 0) return "read";
        *total -= n;
    }
    return NULL;
}
TEST(a_writer_waits_for_room) {
    static char data[200000];
    long left = sizeof data;
    pthread_t other;
    open_pair(1, 0);
    memset(data, 'x', sizeof data);
    pthread_create(&other, NULL, drain, &left);
    CHECK_EQ(write(slave, data, sizeof data), sizeof data);
    pthread_join(other, NULL);
    CHECK_EQ(left, 0);
    close_pair();
}

static void *read_all(void *arg) {
    static char buf[4096];
    long *total = arg;
    while (*total > 0) {
        ssize_t n = read(slave, buf, sizeof buf);
        if (n <= 0) return "read";
        *total -= n;
    }
    return NULL;
}
TEST(a_typist_waits_for_room) {
    static char data[200000];
    long left = sizeof data;
    pthread_t other;
    open_pair(1, 0);
    pthread_create(&other, NULL, read_all, &left);
    long done = 0;
    while (done < (long)sizeof data) {
        ssize_t n = write(master, data + done, sizeof data - done);
        CHECK(n > 0);
        done += n;
    }
    pthread_join(other, NULL);
    CHECK_EQ(left, 0);
    close_pair();
}

static void *close_master(void *arg) {
    (void)arg;
    sleep_ms(30);
    close(master);
    return NULL;
}
TEST(the_masters_end) {
    char buf[4];
    pthread_t other;
    open_pair(1, 0);
    pthread_create(&other, NULL, close_master, NULL);
    // End of file, or EIO if the reader notices the master's end before the hang-up that follows.
    ssize_t n = read(slave, buf, 4);
    CHECK(n == 0 || (n == -1 && errno == EIO));
    pthread_join(other, NULL);
    close(slave);
}

static void *close_slave(void *arg) {
    (void)arg;
    sleep_ms(30);
    close(slave);
    return NULL;
}
TEST(the_slaves_end) {
    char buf[4];
    pthread_t other;
    open_pair(1, 0);
    pthread_create(&other, NULL, close_slave, NULL);
    CHECK_ERR(read(master, buf, 4), EIO);
    pthread_join(other, NULL);
    close(master);
}
