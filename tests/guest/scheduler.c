// Affinity, yielding and the ordinary scheduling class; sched_setaffinity(2), sched_setscheduler(2).
// syscalls: sched_getaffinity sched_setaffinity sched_yield sched_getscheduler sched_setscheduler sched_getparam sched_setparam sched_get_priority_max sched_get_priority_min sched_rr_get_interval getcpu sched_getattr
#include "ktap.h"
#include <sched.h>

static cpu_set_t set;

TEST(affinity) {
    CHECK_EQ(sched_getaffinity(0, sizeof set, &set), 0);
    CHECK(CPU_COUNT(&set) >= 1);
    int first = 0;
    while (!CPU_ISSET(first, &set)) first++;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    CHECK_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    CHECK_EQ(sched_getaffinity(0, sizeof set, &set), 0);
    CHECK_EQ(CPU_COUNT(&set), 1);
    unsigned cpu = 99, node = 99;
    CHECK_EQ(syscall(SYS_getcpu, &cpu, &node, NULL), 0);
    CHECK_EQ(cpu, first);
    CHECK(node < 64);
}

TEST(affinity_errors) {
    cpu_set_t none;
    CPU_ZERO(&none);
    CHECK_ERR(sched_setaffinity(0, sizeof none, &none), EINVAL);
    CHECK_ERR(syscall(SYS_sched_getaffinity, 0, 1, &none), EINVAL);
    CHECK_ERR(sched_getaffinity(999999999, sizeof none, &none), ESRCH);
}

TEST(yield) {
    for (int i = 0; i < 10; i++) CHECK_EQ(sched_yield(), 0);
}

TEST(ordinary_class) {
    struct sched_param p = {99};
    CHECK_EQ(sched_getscheduler(0), SCHED_OTHER);
    CHECK_EQ(sched_getparam(0, &p), 0);
    CHECK_EQ(p.sched_priority, 0);
    CHECK_EQ(sched_setscheduler(0, SCHED_OTHER, &p), 0);
    CHECK_EQ(sched_setparam(0, &p), 0);
    CHECK_EQ(sched_setscheduler(0, SCHED_BATCH, &p), 0);
    CHECK_EQ(sched_getscheduler(0), SCHED_BATCH);
    p.sched_priority = 1;
    CHECK_ERR(sched_setscheduler(0, SCHED_OTHER, &p), EINVAL);
    CHECK_ERR(sched_setscheduler(0, 77, &p), EINVAL);
    char attr[56];
    CHECK_EQ(syscall(SYS_sched_getattr, 0, attr, sizeof attr, 0), 0);
}

TEST(priority_ranges) {
    CHECK_EQ(sched_get_priority_max(SCHED_FIFO), 99);
    CHECK_EQ(sched_get_priority_min(SCHED_FIFO), 1);
    CHECK_EQ(sched_get_priority_max(SCHED_OTHER), 0);
    CHECK_ERR(sched_get_priority_max(77), EINVAL);
    struct timespec t;
    CHECK_EQ(sched_rr_get_interval(0, &t), 0);
}
