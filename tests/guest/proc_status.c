// /proc/self/stat and status tell pid, parent, state, ids, signals and threads as they are; proc(5).
// syscalls: getppid getpid
// needs: threads
#include "ktap.h"
#include <pthread.h>

static char *field(const char *name) {
    static char value[256];
    char *at = strstr(get_file("/proc/self/status"), name);
    if (!at || sscanf(at + strlen(name), "%*[ \t]%255[^\n]", value) != 1) value[0] = 0;
    return value;
}

TEST(status_names_and_ids) {
    CHECK(strncmp(field("Name:"), "proc_status", 11) == 0);
    CHECK_EQ(atoi(field("\nPid:")), getpid());
    CHECK_EQ(atoi(field("\nTgid:")), getpid());
    CHECK_EQ(atoi(field("\nPPid:")), getppid());
    CHECK_EQ(field("State:")[0], 'R');
    CHECK_EQ(atoi(field("Uid:")), getuid());
    CHECK_EQ(atoi(field("Gid:")), getgid());
    CHECK_EQ(atoi(field("Threads:")), 1);
    CHECK(atoi(field("VmRSS:")) > 0);
    CHECK(atoi(field("VmSize:")) >= atoi(field("VmRSS:")));
}

TEST(status_signals) {
    sigset_t set;
    signal(SIGUSR1, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    MUST(sigprocmask(SIG_BLOCK, &set, NULL));
    raise(SIGUSR2);
    CHECK_EQ(strtoull(field("SigBlk:"), NULL, 16), 1ULL << (SIGUSR2 - 1));
    CHECK(strtoull(field("SigIgn:"), NULL, 16) & 1ULL << (SIGUSR1 - 1));
    CHECK_EQ(strtoull(field("SigPnd:"), NULL, 16) | strtoull(field("ShdPnd:"), NULL, 16), 1ULL << (SIGUSR2 - 1));
}

TEST(stat_line) {
    char state, name[32];
    int pid, parent, group, session, threads;
    CHECK_EQ(sscanf(get_file("/proc/self/stat"), "%d (%31[^)]) %c %d %d %d", &pid, name, &state, &parent, &group, &session), 6);
    CHECK_EQ(pid, getpid());
    CHECK(strncmp(name, "proc_status", 11) == 0);
    CHECK_EQ(state, 'R');
    CHECK_EQ(parent, getppid());
    CHECK_EQ(group, getpgrp());
    CHECK_EQ(session, getsid(0));
    int spaces = 0;
    for (char *at = strchr(get_file("/proc/self/stat"), ')'); *at; at++) spaces += *at == ' ';
    CHECK_EQ(spaces, 50);
    CHECK_EQ(sscanf(strchr(get_file("/proc/self/stat"), ')'), ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %d", &threads), 1);
    CHECK_EQ(threads, 1);
}

static volatile int stop;
static void *idle(void *arg) {
    while (!stop) sleep_ms(1);
    return arg;
}
TEST(threads_show) {
    pthread_t t[3];
    int count = 0;
    for (int i = 0; i < 3; i++) CHECK_EQ(pthread_create(&t[i], NULL, idle, NULL), 0);
    CHECK_EQ(atoi(field("Threads:")), 4);
    DIR *d = opendir("/proc/self/task");
    for (struct dirent *e; (e = readdir(d));) count += e->d_name[0] != '.';
    closedir(d);
    CHECK_EQ(count, 4);
    stop = 1;
    for (int i = 0; i < 3; i++) CHECK_EQ(pthread_join(t[i], NULL), 0);
}

ROLE(block) {
    for (;;) pause();
}
static char state_of(pid_t pid) {
    char path[64], state = '?';
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    sscanf(get_file(path), "%*d (%*[^)]) %c", &state);
    return state;
}
TEST(states_of_a_child) {
    pid_t pid = SPAWN("block");
    CHECK(EVENTUALLY(state_of(pid) == 'S'));
    MUST(kill(pid, SIGSTOP));
    CHECK(EVENTUALLY(state_of(pid) == 'T'));
    MUST(kill(pid, SIGKILL));
    CHECK(EVENTUALLY(state_of(pid) == 'Z'));
    CHECK_EQ(wait_status(pid), SIGKILL);
    CHECK_EQ(state_of(pid), '?');
}
