// storm PID TID HZ SECONDS: sends the signals that llano uses itself (tick, doorbell) to one thread, HZ times a second.
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    int pid = atoi(argv[1]), tid = atoi(argv[2]);
    long gap = 1000000000L / atol(argv[3]), count = atol(argv[3]) * atol(argv[4]), sent = 0;
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    for (long i = 0; i < count; i++) {
        at.tv_nsec += gap;
        if (at.tv_nsec >= 1000000000L) at.tv_nsec -= 1000000000L, at.tv_sec++;
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
        if (syscall(SYS_tgkill, pid, tid, i & 1 ? 40 : 41) == 0) sent++;
        else if (errno == ESRCH) break;
    }
    printf("%ld\n", sent);
    return 0;
}
