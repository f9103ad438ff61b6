// Two processes at once keep their own globals, heaps and stacks; execve(2).
// syscalls: execve vfork
#include "ktap.h"

static volatile int global = 1;
static volatile char zeroed[100000];

ROLE(other) {
    CHECK_EQ(global, 1);
    for (unsigned i = 0; i < sizeof zeroed; i += 100) CHECK_EQ(zeroed[i], 0);
    global = 77;
    memset((char *)zeroed, 9, sizeof zeroed);
    char *heap = malloc(200000);
    memset(heap, 5, 200000);
    char c;
    CHECK_EQ(read(atoi(ktap_argv[2]), &c, 1), 0);
    CHECK_EQ(global, 77);
    CHECK_EQ(zeroed[99999], 9);
    CHECK_EQ(heap[199999], 5);
}

TEST(three_copies_do_not_mix) {
    int p[2];
    pid_t pid[3];
    char number[8];
    MUST(pipe2(p, O_CLOEXEC));
    snprintf(number, sizeof number, "%d", MUST(dup(p[0])));
    for (int i = 0; i < 3; i++) pid[i] = SPAWN("other", number);
    global = 2;
    memset((char *)zeroed, 3, sizeof zeroed);
    sleep_ms(10);
    CHECK_EQ(global, 2);
    for (unsigned i = 0; i < sizeof zeroed; i++) CHECK_EQ(zeroed[i], 3);
    close(p[1]);
    for (int i = 0; i < 3; i++) CHECK_EQ(wait_status(pid[i]), EXITED(0));
    CHECK_EQ(global, 2);
}
