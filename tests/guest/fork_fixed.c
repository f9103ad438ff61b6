// Programs that are linked to the same fixed addresses, all alive in one pipeline; execve(2).
// syscalls: execve fork vfork
// build: fixed fixed-dynamic
#include "ktap.h"

enum { PAGE = 4096, PAGES = 30 };
static char data[PAGES * PAGE] = {1};
static char zeros[PAGES * PAGE];
static char *heap;

// Each stage marks all its memory with its number, and looks after every block whether the mark still stands.
static void mark(int stage) {
    heap = sbrk(PAGES * PAGE);
    memset(data, stage, sizeof data);
    memset(zeros, stage, sizeof zeros);
    memset(heap, stage, PAGES * PAGE);
}
static int marked(int stage) {
    for (int i = 0; i < PAGES * PAGE; i += 100)
        if (data[i] != stage || zeros[i] != stage || heap[i] != stage) return 0;
    return 1;
}

// Adds one to every byte from stdin to stdout.
ROLE(stage) {
    int stage = atoi(ktap_argv[2]);
    char block[300];
    if (data[0] != 1 || zeros[100] != 0) _exit(60);
    mark(stage);
    for (ssize_t n; (n = read(0, block, sizeof block)) > 0;) {
        for (int i = 0; i < n; i++) block[i]++;
        if (write(1, block, n) != n) _exit(61);
        if (!marked(stage)) _exit(62);
    }
    _exit(stage);
}

static pid_t start_stage(int number, int in, int out, int forks) {
    char text[16];
    snprintf(text, sizeof text, "%d", number);
    pid_t pid = forks ? fork() : vfork();
    if (pid == 0) {
        dup2(in, 0);
        dup2(out, 1);
        execl("/proc/self/exe", "guest", "stage", text, NULL);
        _exit(127);
    }
    return MUST(pid);
}

static void pipeline(int forks) {
    enum { STAGES = 6 };
    int first[2], in, p[2];
    MUST(pipe2(first, O_CLOEXEC));
    in = first[0];
    pid_t pids[STAGES];
    for (int i = 0; i < STAGES; i++) {
        MUST(pipe2(p, O_CLOEXEC));
        pids[i] = start_stage(10 + i, in, p[1], forks);
        close(in);
        close(p[1]);
        in = p[0];
    }
    mark(99);
    for (int round = 0; round < 100; round++) {
        char block[200], got[200];
        memset(block, round, sizeof block);
        CHECK_EQ(write(first[1], block, sizeof block), sizeof block);
        for (size_t n = 0; n < sizeof got;) {
            ssize_t more = read(in, got + n, sizeof got - n);
            CHECK(more > 0);
            n += more;
        }
        for (unsigned i = 0; i < sizeof got; i++) CHECK_EQ(got[i], round + STAGES);
        CHECK(marked(99));
    }
    close(first[1]);
    for (int i = 0; i < STAGES; i++) CHECK_EQ(wait_status(pids[i]), EXITED(10 + i));
    close(in);
}

TEST(addresses_are_fixed) { CHECK((uintptr_t)data < 0x80000000); }
TEST(pipeline_by_vfork) { pipeline(0); }
TEST(pipeline_by_fork) { pipeline(1); }

// A stage replaces itself by another program of the same addresses.
ROLE(again) {
    int left = atoi(ktap_argv[2]);
    if (data[0] != 1 || data[PAGE] != 0 || zeros[0] != 0) _exit(63);
    mark(left);
    if (left == 0) _exit(42);
    char text[16];
    snprintf(text, sizeof text, "%d", left - 1);
    execl("/proc/self/exe", "guest", "again", text, NULL);
    _exit(127);
}
TEST(exec_of_itself_twenty_times) {
    mark(98);
    pid_t pid = SPAWN("again", "20");
    CHECK_EQ(wait_status(pid), EXITED(42));
    CHECK(marked(98));
}
