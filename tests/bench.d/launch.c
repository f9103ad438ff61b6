// Time from a spawn to the first instruction of `first`: launch TIMES COMMAND... COMMAND ends
// in `first`, alone or under a kernel. The time-stamp counter is read on both sides, so neither
// the guest's clock nor the pipe is part of the figure. Prints ns, the median.

#include "bench.h"
#include <spawn.h>
#include <stdint.h>
#include <sys/wait.h>
#include <x86intrin.h>

extern char **environ;

static double ns_per_tick(void)
{
    long start = now_ns();
    uint64_t ticks = __rdtsc();
    while (now_ns() - start < 20000000)
        ;
    return (double)(now_ns() - start) / (__rdtsc() - ticks);
}

static uint64_t ticks_to_first_instruction(char **command)
{
    int ends[2];
    MUST(pipe(ends) == 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    posix_spawn_file_actions_addclose(&actions, ends[1]);

    pid_t pid;
    uint64_t before = __rdtsc(), first;
    MUST((errno = posix_spawnp(&pid, command[0], &actions, NULL, command, environ)) == 0);
    close(ends[1]);
    MUST(read(ends[0], &first, sizeof first) == sizeof first);
    close(ends[0]);
    int status;
    MUST(waitpid(pid, &status, 0) == pid && status == 0);
    posix_spawn_file_actions_destroy(&actions);
    MUST(first > before);
    return first - before;
}

int main(int argc, char **argv)
{
    MUST(argc > 2);
    int times = atoi(argv[1]);
    MUST(times > 0);
    double *took = calloc(times, sizeof *took), scale = ns_per_tick();
    for (int i = 0; i < times; i++)
        took[i] = ticks_to_first_instruction(argv + 2) * scale;
    qsort(took, times, sizeof *took, compare_doubles);
    printf("%.0f\n", took[times / 2]);
    return 0;
}
