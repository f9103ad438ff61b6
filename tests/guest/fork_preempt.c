// Processes that never wait share the processor, each with its own memory and registers; fork(2), sched(7).
// syscalls: fork sched_yield
// build: static dynamic musl fixed
#include "ktap.h"
#include <sched.h>

enum { PAGE = 4096, PAGES = 50, PROCESSES = 5 };
static volatile uint64_t data[PAGES * PAGE / 8];
static volatile uint64_t seed;

// A computation over memory whose result depends on every step; `yields` gives way in the middle.
static uint64_t compute(uint64_t start, int rounds, int yields) {
    double x = start;
    seed = start;
    for (int i = 0; i < rounds; i++) {
        seed = seed * 6364136223846793005 + 1442695040888963407;
        unsigned at = (seed >> 33) % (PAGES * PAGE / 8);
        data[at] += seed + i;
        x = x * 0.5 + (double)(data[at] >> 40);
        if (yields && i % yields == 0) sched_yield();
    }
    uint64_t sum = (uint64_t)x;
    for (int i = 0; i < PAGES * PAGE / 8; i++) sum = sum * 31 + data[i];
    return sum;
}

static void compare(int rounds, int yields) {
    uint64_t alone[PROCESSES], together;
    for (int i = 0; i < PROCESSES; i++) {
        memset((void *)data, 0, sizeof data);
        alone[i] = compute(i, rounds, 0);
    }
    for (int i = 0; i < PROCESSES; i++) {
        memset((void *)data, 0, sizeof data);
        pid_t pid = fork_child();
        if (pid == 0) {
            together = compute(i, rounds, yields);
            EXPECT_EQ(together, alone[i]);
            leave();
        }
    }
    memset((void *)data, 0, sizeof data);
    CHECK_EQ(compute(PROCESSES - 1, rounds, yields), alone[PROCESSES - 1]);
    for (int i = 0; i < PROCESSES; i++) CHECK_EQ(wait_status(-1), EXITED(0));
}

TEST(by_the_tick) { compare(3000000, 0); }
TEST(by_yielding) { compare(20000, 10); }

// One spins until the other has done its work; neither makes a system call meanwhile.
TEST(spinning_on_shared_memory) {
    volatile int *turn = MUST(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    pid_t pid = fork_child();
    int mine = pid ? 0 : 1;
    for (int i = 0; i < 20; i++) {
        while (*turn != mine) {}
        data[i] = mine;
        *turn = !mine;
    }
    for (int i = 0; i < 20; i++) CHECK_EQ(data[i], mine);
    if (pid == 0) leave();
    CHECK_CHILD(pid);
}
