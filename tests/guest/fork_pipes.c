// Parent and forked child talk through pipes and sockets from buffers at the same addresses; fork(2), pipe(7).
// syscalls: fork read write readv writev
// build: static musl
#include "ktap.h"
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

struct message {
    int number, from;
    char text[56];
};
static struct message message;

static void ping_pong(int in[2], int out[2], int rounds) {
    pid_t pid = fork_child();
    if (pid == 0) {
        for (int i = 0; i < rounds; i++) {
            CHECK_EQ(read(in[0], &message, sizeof message), sizeof message);
            CHECK(message.number == i && message.from == 1);
            message.from = 2;
            CHECK_EQ(write(out[1], &message, sizeof message), sizeof message);
        }
        leave();
    }
    for (int i = 0; i < rounds; i++) {
        message = (struct message){i, 1, "hello"};
        CHECK_EQ(write(in[1], &message, sizeof message), sizeof message);
        CHECK_EQ(message.from, 1);
        CHECK_EQ(read(out[0], &message, sizeof message), sizeof message);
        CHECK(message.number == i && message.from == 2);
    }
    CHECK_CHILD(pid);
}

TEST(ten_thousand_messages) {
    int in[2], out[2];
    MUST(pipe(in) | pipe(out));
    ping_pong(in, out, 10000);
}

TEST(ten_thousand_messages_over_sockets) {
    int ends[2];
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    ping_pong((int[]){ends[0], ends[1]}, (int[]){ends[1], ends[0]}, 10000);
}

// Both only write, then both only read: the pipe is full in between, so both must make progress.
enum { LENGTH = 4 << 20 };
static unsigned char stream[LENGTH];
static void pour(int fd, int seed) {
    for (int i = 0; i < LENGTH; i++) stream[i] = (unsigned)i * 2654435761u >> 24 ^ seed;
    for (size_t done = 0; done < LENGTH;) {
        ssize_t n = write(fd, stream + done, LENGTH - done < 100000 ? LENGTH - done : 100000);
        if (n <= 0) _exit(3);
        done += n;
    }
}
static void drain(int fd, int seed) {
    memset(stream, 0, LENGTH);
    for (size_t done = 0; done < LENGTH;) {
        ssize_t n = read(fd, stream + done, LENGTH - done);
        CHECK(n > 0);
        done += n;
    }
    for (int i = 0; i < LENGTH; i++) CHECK_EQ(stream[i], ((unsigned)i * 2654435761u >> 24 ^ seed) & 255);
}
TEST(four_mebibytes_there_and_back) {
    int there[2], back[2];
    MUST(pipe(there) | pipe(back));
    pid_t pid = fork_child();
    if (pid == 0) {
        drain(there[0], 1);
        pour(back[1], 2);
        leave();
    }
    pour(there[1], 1);
    drain(back[0], 2);
    CHECK_CHILD(pid);
}

// The reader sleeps in its read while the writer's buffer lies at the same address.
TEST(vectors) {
    static char parts[3000];
    struct iovec iov[3];
    for (int i = 0; i < 3; i++) iov[i] = (struct iovec){parts + 1000 * i, 1000};
    int p[2];
    MUST(pipe(p));
    pid_t pid = fork_child();
    if (pid == 0) {
        EXPECT_EQ(readv(p[0], iov, 3), 3000);
        for (int i = 0; i < 3000; i++) CHECK_EQ(parts[i], i / 1000 + 'a');
        leave();
    }
    sleep_ms(10);
    for (int i = 0; i < 3; i++) memset(parts + 1000 * i, 'a' + i, 1000);
    CHECK_EQ(writev(p[1], iov, 3), 3000);
    memset(parts, 'x', sizeof parts);
    CHECK_CHILD(pid);
}

TEST(end_of_file_and_broken_pipe) {
    int p[2];
    char c;
    MUST(pipe(p));
    pid_t pid = fork_child();
    if (pid == 0) {
        close(p[1]);
        EXPECT_EQ(read(p[0], &c, 1), 1);
        EXPECT_EQ(read(p[0], &c, 1), 0);
        leave();
    }
    close(p[0]);
    CHECK_EQ(write(p[1], "x", 1), 1);
    close(p[1]);
    CHECK_CHILD(pid);
    MUST(pipe(p));
    pid = fork_child();
    if (pid == 0) {
        close(p[0]);
        signal(SIGPIPE, SIG_DFL);
        for (;;) write(p[1], &c, 1);
    }
    close(p[1]);
    sleep_ms(10);
    close(p[0]);
    CHECK_EQ(wait_status(pid), SIGPIPE);
}

// Twenty writers, one reader: short writes are atomic, and each comes from its writer's memory.
TEST(twenty_writers) {
    enum { WRITERS = 20, ROUNDS = 100 };
    int p[2], next[WRITERS] = {0};
    MUST(pipe(p));
    for (int w = 0; w < WRITERS; w++) {
        message.from = w;
        if (fork_child() == 0) {
            for (message.number = 0; message.number < ROUNDS; message.number++)
                CHECK_EQ(write(p[1], &message, sizeof message), sizeof message);
            leave();
        }
    }
    close(p[1]);
    message.from = -1;
    while (read(p[0], &message, sizeof message) == sizeof message) {
        CHECK(message.from >= 0 && message.from < WRITERS);
        CHECK_EQ(message.number, next[message.from]++);
    }
    for (int w = 0; w < WRITERS; w++) {
        CHECK_EQ(next[w], ROUNDS);
        CHECK_EQ(wait_status(-1), EXITED(0));
    }
    close(p[0]);
}

// A pipeline of ten processes, each of which adds one to every byte.
TEST(ten_in_a_row) {
    int first[2], in, p[2];
    MUST(pipe(first));
    in = first[0];
    for (int i = 0; i < 10; i++) {
        MUST(pipe(p));
        if (fork_child() == 0) {
            close(first[1]);
            close(p[0]);
            char block[512];
            for (ssize_t n; (n = read(in, block, sizeof block)) > 0;) {
                for (int k = 0; k < n; k++) block[k]++;
                if (write(p[1], block, n) != n) _exit(1);
            }
            leave();
        }
        close(in);
        close(p[1]);
        in = p[0];
    }
    char block[512], got[512];
    for (int round = 0; round < 50; round++) {
        memset(block, round, sizeof block);
        CHECK_EQ(write(first[1], block, sizeof block), sizeof block);
        for (size_t n = 0; n < sizeof got;) {
            ssize_t more = read(in, got + n, sizeof got - n);
            CHECK(more > 0);
            n += more;
        }
        for (unsigned i = 0; i < sizeof got; i++) CHECK_EQ(got[i], round + 10);
    }
    close(first[1]);
    CHECK_EQ(read(in, got, 1), 0);
    for (int i = 0; i < 10; i++) CHECK_EQ(wait_status(-1), EXITED(0));
    close(in);
}
