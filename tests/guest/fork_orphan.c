// A child that outlives its parent keeps its memory; so does a parent whose child is gone; fork(2), prctl(2).
// syscalls: fork getppid prctl
// build: static musl
#include "ktap.h"
#include <sys/prctl.h>

enum { PAGE = 4096, PAGES = 300 };
static char *memory;

static int intact(int value) {
    for (int i = 0; i < PAGES; i++)
        if (memory[i * PAGE + i] != (char)(value + i)) return 0;
    return 1;
}
static void fill(int value) {
    for (int i = 0; i < PAGES; i++) memory[i * PAGE + i] = value + i;
}

TEST(child_outlives_its_parent) {
    MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
    memory = MUST(mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    fill(1);
    struct gate ended = gate();
    int report[2];
    MUST(pipe(report));
    pid_t middle = fork_child();
    if (middle == 0) {
        fill(2);
        pid_t self = getpid();
        pid_t pid = fork_child();
        if (pid == 0) {
            pass_gate(ended);
            EXPECT(EVENTUALLY(getppid() != self));
            EXPECT(intact(2));
            fill(3);
            EXPECT(intact(3));
            MUST(write(report[1], &ktap_failed, sizeof ktap_failed));
            leave();
        }
        fill(4);
        leave();
    }
    CHECK_CHILD(middle);
    fill(5);
    open_gate(ended);
    int failed = -1;
    CHECK_EQ(read(report[0], &failed, sizeof failed), sizeof failed);
    CHECK_EQ(failed, 0);
    CHECK(intact(5));
    CHECK_EQ(wait_status(-1), EXITED(0));
    CHECK_ERR(wait(NULL), ECHILD);
}

// A parent that is killed, not one that exits.
TEST(child_of_a_killed_parent) {
    fill(1);
    struct gate ended = gate(), ready = gate();
    pid_t middle = fork_child();
    if (middle == 0) {
        fill(2);
        if (fork_child() == 0) {
            open_gate(ready);
            pass_gate(ended);
            _exit(intact(2) ? 44 : 45);
        }
        for (;;) pause();
    }
    pass_gate(ready);
    MUST(kill(middle, SIGKILL));
    CHECK_EQ(wait_status(middle), SIGKILL);
    fill(3);
    open_gate(ended);
    CHECK_EQ(wait_status(-1), EXITED(44));
    CHECK(intact(3));
}

// A child that is killed while it is not the one that runs.
TEST(parent_of_a_killed_child) {
    fill(1);
    struct gate ready = gate();
    pid_t pid = fork_child();
    if (pid == 0) {
        fill(9);
        open_gate(ready);
        for (;;) pause();
    }
    pass_gate(ready);
    fill(2);
    MUST(kill(pid, SIGKILL));
    CHECK_EQ(wait_status(pid), SIGKILL);
    CHECK(intact(2));
}

// The child execs, which gives its memory up; the parent's is as it was.
ROLE(nothing) { _exit(12); }
TEST(child_execs) {
    fill(1);
    pid_t pid = fork_child();
    if (pid == 0) {
        fill(2);
        execl("/proc/self/exe", "guest", "nothing", NULL);
        _exit(127);
    }
    CHECK_EQ(wait_status(pid), EXITED(12));
    CHECK(intact(1));
}

// The parent execs; the child keeps what was both's.
TEST(parent_execs) {
    struct gate go = gate();
    int report[2];
    MUST(pipe(report));
    pid_t middle = fork_child();
    if (middle == 0) {
        fill(6);
        if (fork_child() == 0) {
            pass_gate(go);
            MUST(write(report[1], intact(6) ? "y" : "n", 1));
            leave();
        }
        execl("/proc/self/exe", "guest", "nothing", NULL);
        _exit(127);
    }
    CHECK_EQ(wait_status(middle), EXITED(12));
    open_gate(go);
    char answer = 0;
    CHECK_EQ(read(report[0], &answer, 1), 1);
    CHECK_EQ(answer, 'y');
    CHECK_EQ(wait_status(-1), EXITED(0));
    MUST(prctl(PR_SET_CHILD_SUBREAPER, 0));
}
