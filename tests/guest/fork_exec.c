// exec in a forked child: its memory is new, the parent's untouched, descriptors close as marked; execve(2).
// syscalls: fork execve
// build: static dynamic musl fixed fixed-dynamic
// needs: threads
#include "ktap.h"
#include <pthread.h>

static int value = 1;

ROLE(fresh) {
    EXPECT_EQ(value, 1);
    EXPECT(strcmp(ktap_argv[2], "argument") == 0);
    EXPECT_ERR(fcntl(atoi(ktap_argv[3]), F_GETFD), EBADF);
    EXPECT_EQ(fcntl(atoi(ktap_argv[4]), F_GETFD), 0);
    value = 3;
    if (!ktap_failed) _exit(23);
}

static void run_fresh(void) {
    char closed[8], open[8], argument[9];
    int a = MUST(fcntl(0, F_DUPFD_CLOEXEC, 50)), b = MUST(dup(0));
    snprintf(closed, sizeof closed, "%d", a);
    snprintf(open, sizeof open, "%d", b);
    strcpy(argument, "argument");
    execl("/proc/self/exe", "guest", "fresh", argument, closed, open, NULL);
    _exit(127);
}

TEST(new_program_in_the_child) {
    value = 2;
    pid_t pid = fork_child();
    if (pid == 0) {
        value = 4;
        run_fresh();
    }
    CHECK_EQ(wait_status(pid), EXITED(23));
    CHECK_EQ(value, 2);
}

TEST(failed_exec_leaves_the_child) {
    pid_t pid = fork_child();
    if (pid == 0) {
        value = 5;
        EXPECT_ERR(execl("/no/such/program", "x", NULL), ENOENT);
        EXPECT_ERR(execl("/dev", "x", NULL), EACCES);
        EXPECT_EQ(value, 5);
        leave();
    }
    CHECK_CHILD(pid);
    CHECK_EQ(value, 2);
}

// The old program goes on beside the new one, both of them this very file.
ROLE(echo) {
    char c;
    while (read(0, &c, 1) == 1) {
        value += c;
        if (write(1, &value, sizeof value) != sizeof value) _exit(9);
    }
    _exit(0);
}
TEST(old_and_new_at_once) {
    int in[2], out[2], got, sum = 1;
    MUST(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC));
    pid_t pid = fork_child();
    if (pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        execl("/proc/self/exe", "guest", "echo", NULL);
        _exit(127);
    }
    for (int i = 0; i < 500; i++) {
        char c = i % 50;
        value = -i;
        CHECK_EQ(write(in[1], &c, 1), 1);
        CHECK_EQ(read(out[0], &got, sizeof got), sizeof got);
        CHECK_EQ(got, sum += c);
        CHECK_EQ(value, -i);
    }
    close(in[1]);
    close(out[1]);
    CHECK_CHILD(pid);
}

static volatile int stop;
static void *spin(void *unused) {
    while (!stop) value++;
    return unused;
}
TEST(from_a_program_with_threads) {
    pthread_t thread;
    stop = 0;
    CHECK_EQ(pthread_create(&thread, NULL, spin, NULL), 0);
    for (int i = 0; i < 20; i++) {
        pid_t pid = fork_child();
        if (pid == 0) run_fresh();
        CHECK_EQ(wait_status(pid), EXITED(23));
    }
    stop = 1;
    pthread_join(thread, NULL);
}

// A chain: each execs itself and forks the next, all alive until the last is done.
ROLE(chain) {
    int depth = atoi(ktap_argv[2]);
    if (depth == 0) _exit(0);
    value = depth;
    pid_t pid = fork();
    if (pid == 0) {
        char next[16];
        value = -1;
        snprintf(next, sizeof next, "%d", depth - 1);
        execl("/proc/self/exe", "guest", "chain", next, NULL);
        _exit(127);
    }
    int status = wait_status(pid);
    _exit(value == depth && WIFEXITED(status) && WEXITSTATUS(status) == depth - 1 ? depth : 100);
}
TEST(chain_of_thirty) {
    pid_t pid = SPAWN("chain", "30");
    CHECK_EQ(wait_status(pid), EXITED(30));
}
