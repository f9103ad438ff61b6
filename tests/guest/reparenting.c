// Orphans go to a subreaper if there is one, and PR_SET_PDEATHSIG tells them; prctl(2).
// syscalls: prctl getppid
#include "ktap.h"
#include <sys/prctl.h>

ROLE(orphan) {
    pid_t grandparent = atoi(ktap_argv[2]);
    CHECK(EVENTUALLY(getppid() == grandparent));
    _exit(12);
}
ROLE(middle) {
    char c = 0;
    pid_t pid = SPAWN("orphan", ktap_argv[2]);
    MUST(write(atoi(ktap_argv[3]), &pid, sizeof pid));
    _exit(c);
}

TEST(to_the_subreaper) {
    int on = 0, p[2];
    pid_t orphan;
    char mine[16], out[16];
    CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    CHECK_EQ(prctl(PR_GET_CHILD_SUBREAPER, &on), 0);
    CHECK_EQ(on, 1);
    MUST(pipe(p));
    snprintf(mine, sizeof mine, "%d", getpid());
    snprintf(out, sizeof out, "%d", p[1]);
    CHECK_EQ(wait_status(SPAWN("middle", mine, out)), EXITED(0));
    CHECK_EQ(read(p[0], &orphan, sizeof orphan), sizeof orphan);
    CHECK_EQ(wait_status(orphan), EXITED(12));
}

ROLE(lost) {
    pid_t parent = atoi(ktap_argv[2]), pid = getpid();
    CHECK(EVENTUALLY(getppid() != parent));
    CHECK_EQ(kill(getppid(), 0) == 0 || errno == EPERM, 1);
    MUST(write(atoi(ktap_argv[3]), &pid, sizeof pid));
}
ROLE(leaving) {
    char mine[16];
    snprintf(mine, sizeof mine, "%d", getpid());
    SPAWN("lost", mine, ktap_argv[2]);
}
TEST(to_whoever_collects_orphans) {
    int p[2];
    pid_t orphan = 0;
    char out[16];
    MUST(prctl(PR_SET_CHILD_SUBREAPER, 0));
    MUST(pipe(p));
    snprintf(out, sizeof out, "%d", p[1]);
    CHECK_EQ(wait_status(SPAWN("leaving", out)), EXITED(0));
    CHECK_EQ(read(p[0], &orphan, sizeof orphan), sizeof orphan);
    CHECK_ERR(waitpid(orphan, NULL, 0), ECHILD);
    if (under_llano()) CHECK(EVENTUALLY(kill(orphan, 0) == -1));  // some hosts' first process collects late
}

static volatile int told;
static void on_signal(int sig) { (void)sig, told = 1; }
ROLE(bereaved) {
    int sig = 0;
    signal(SIGUSR1, on_signal);
    CHECK_EQ(prctl(PR_SET_PDEATHSIG, SIGUSR1), 0);
    CHECK_EQ(prctl(PR_GET_PDEATHSIG, &sig), 0);
    CHECK_EQ(sig, SIGUSR1);
    pid_t pid = getpid();
    MUST(write(atoi(ktap_argv[2]), &pid, sizeof pid));
    CHECK(EVENTUALLY(told));
    _exit(13);
}
ROLE(dying) {
    char c = 0;
    SPAWN("bereaved", ktap_argv[2]);
    read(atoi(ktap_argv[3]), &c, 1);
}

TEST(parent_death_signal) {
    int p[2], q[2];
    pid_t child;
    char out[16], in[16];
    MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
    MUST(pipe(p) | pipe(q));
    snprintf(out, sizeof out, "%d", p[1]);
    snprintf(in, sizeof in, "%d", q[0]);
    pid_t parent = SPAWN("dying", out, in);
    CHECK_EQ(read(p[0], &child, sizeof child), sizeof child);
    MUST(write(q[1], "x", 1));
    CHECK_EQ(wait_status(parent), EXITED(0));
    CHECK_EQ(wait_status(child), EXITED(13));
}

TEST(bad_signal) { CHECK_ERR(prctl(PR_SET_PDEATHSIG, 65), EINVAL); }
