// A chain of forks sixty-four deep, all alive at once, each with memory of its own; fork(2).
// syscalls: fork wait4
// build: static musl
#include "ktap.h"

enum { DEPTH = 64, PAGE = 4096, PAGES = 64 };
static int level;
static char pages[PAGES * PAGE];

// What level `n` sees: every page as its last writer at or above it left it.
static int intact(void) {
    for (int i = 0; i < PAGES; i++)
        if (pages[i * PAGE] != (i < level ? i + 1 : 100) || pages[i * PAGE + 1] != level) return 0;
    return 1;
}

static void descend(void) {
    char frame[3000];
    memset(frame, level, sizeof frame);
    if (level == DEPTH) return;
    pid_t pid = fork();
    if (pid < 0) _exit(201);
    if (pid == 0) {
        pages[level * PAGE] = level + 1;
        level++;
        for (int i = 0; i < PAGES; i++) pages[i * PAGE + 1] = level;
        descend();
        _exit(intact() ? level : 200);
    }
    int status = wait_status(pid);
    if (status != EXITED(level + 1)) _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 202);
    for (unsigned i = 0; i < sizeof frame; i++)
        if (frame[i] != level) _exit(203);
}

TEST(sixty_four_deep) {
    for (int i = 0; i < PAGES; i++) pages[i * PAGE] = 100;
    pid_t pid = fork_child();
    if (pid == 0) {
        descend();
        EXPECT(intact());
        leave();
    }
    CHECK_CHILD(pid);
}

// The same without waiting: each level ends at once after its child has begun; a pipe tells when all have.
TEST(chain_of_orphans) {
    int p[2];
    MUST(pipe(p));
    pid_t pid = fork_child();
    if (pid == 0) {
        close(p[0]);
        for (level = 0; level < DEPTH; level++) {
            pages[level] = level;
            pid_t next = fork();
            if (next < 0) _exit(1);
            if (next > 0) _exit(0);
        }
        int good = 1;
        for (int i = 0; i < DEPTH; i++) good &= pages[i] == i;
        if (write(p[1], good ? "y" : "n", 1) != 1) _exit(2);
        _exit(0);
    }
    close(p[1]);
    CHECK_CHILD(pid);
    char text[4];
    CHECK_EQ(read(p[0], text, sizeof text), 1);
    CHECK_EQ(text[0], 'y');
    CHECK_EQ(read(p[0], text, sizeof text), 0);
    close(p[0]);
}

// A binary tree of 127 processes; the root learns how many there were.
static int tree(int height) {
    if (height == 0) return 1;
    int count = 1;
    pid_t children[2];
    for (int i = 0; i < 2; i++) {
        children[i] = fork();
        if (children[i] == 0) _exit(tree(height - 1));
        if (children[i] < 0) _exit(250);
    }
    for (int i = 0; i < 2; i++) count += WEXITSTATUS(wait_status(children[i]));
    return count;
}
TEST(a_tree_of_processes) { CHECK_EQ(tree(6), 127); }
