// One system call (or a pair) in a loop: calls ROW BUDGET_MS. Prints ns per operation.

#include "bench.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>

static int fd;
static char path[64];

static long null_call(long n)
{
    static pid_t parent;
    parent = getppid();
    for (long i = 0; i < n; i++)
        MUST(getppid() == parent);
    return n;
}

// The system call itself: natively libc would read the clock without one.
static long clock_call(long n)
{
    struct timespec now = {0};
    for (long i = 0; i < n; i++)
        MUST(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now) == 0);
    MUST(now.tv_sec > 0 || now.tv_nsec > 0);
    return n;
}

static void open_zero(void) { MUST((fd = open("/dev/zero", O_RDONLY)) >= 0); }
static void open_null(void) { MUST((fd = open("/dev/null", O_WRONLY)) >= 0); }

static long read_byte(long n)
{
    char byte = 1;
    for (long i = 0; i < n; i++)
        MUST(read(fd, &byte, 1) == 1);
    MUST(byte == 0);
    return n;
}

static long write_byte(long n)
{
    char byte = 1;
    for (long i = 0; i < n; i++)
        MUST(write(fd, &byte, 1) == 1);
    return n;
}

static void remove_file(void) { unlink(path); }

static void tmpfs_file(void)
{
    snprintf(path, sizeof path, "/dev/shm/llano-bench-%d", getpid());
    MUST((fd = open(path, O_CREAT | O_RDWR, 0600)) >= 0);
    MUST(write(fd, "bench", 5) == 5);
    atexit(remove_file);
}

static long fstat_file(long n)
{
    struct stat st = {0};
    for (long i = 0; i < n; i++)
        MUST(fstat(fd, &st) == 0);
    MUST(st.st_size == 5);
    return n;
}

static long stat_file(long n)
{
    struct stat st = {0};
    for (long i = 0; i < n; i++)
        MUST(stat(path, &st) == 0);
    MUST(st.st_size == 5);
    return n;
}

static long open_close(long n)
{
    for (long i = 0; i < n; i++) {
        int opened = open(path, O_RDONLY);
        MUST(opened >= 0);
        MUST(close(opened) == 0);
    }
    return n;
}

// Ten pipes of which the last is readable: the whole set is looked at each time.
static int pipes[10];

static void ten_pipes(void)
{
    int ends[2];
    for (int i = 0; i < 10; i++) {
        MUST(pipe(ends) == 0);
        pipes[i] = ends[0];
    }
    MUST(write(ends[1], "x", 1) == 1);
}

static long select10(long n)
{
    for (long i = 0; i < n; i++) {
        fd_set readable;
        struct timeval zero = {0};
        FD_ZERO(&readable);
        for (int p = 0; p < 10; p++)
            FD_SET(pipes[p], &readable);
        MUST(select(pipes[9] + 1, &readable, NULL, NULL, &zero) == 1);
    }
    return n;
}

static void one_ready(void)
{
    int event_fd = eventfd(1, 0);
    struct epoll_event interest = {.events = EPOLLIN, .data.fd = event_fd};
    MUST(event_fd >= 0 && (fd = epoll_create1(0)) >= 0);
    MUST(epoll_ctl(fd, EPOLL_CTL_ADD, event_fd, &interest) == 0);
}

static long epoll_one(long n)
{
    struct epoll_event event;
    for (long i = 0; i < n; i++)
        MUST(epoll_wait(fd, &event, 1, -1) == 1);
    return n;
}

static volatile sig_atomic_t caught;
static void count_signal(int sig) { (void)sig; caught++; }

static long install_handler(long n)
{
    struct sigaction action = {.sa_handler = count_signal};
    for (long i = 0; i < n; i++)
        MUST(sigaction(SIGUSR1, &action, NULL) == 0);
    return n;
}

// kill(2) on itself, the handler, and its return.
static long catch_signal(long n)
{
    pid_t self = getpid();
    caught = 0;
    for (long i = 0; i < n; i++)
        MUST(kill(self, SIGUSR1) == 0);
    MUST(caught == n);
    return n;
}

static void one_handler(void) { install_handler(1); }

static long map_touch_unmap(long n)
{
    enum { LENGTH = 64 << 10, PAGE = 4096 };
    for (long i = 0; i < n; i++) {
        char *map = mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        MUST(map != MAP_FAILED);
        for (int page = 0; page < LENGTH; page += PAGE) {
            MUST(map[page] == 0);
            map[page] = 1;
        }
        MUST(munmap(map, LENGTH) == 0);
    }
    return n;
}

static void nothing(void) {}

static const struct row rows[] = {
    {"null", nothing, null_call},
    {"clock", nothing, clock_call},
    {"read", open_zero, read_byte},
    {"write", open_null, write_byte},
    {"fstat", tmpfs_file, fstat_file},
    {"stat", tmpfs_file, stat_file},
    {"open", tmpfs_file, open_close},
    {"select10", ten_pipes, select10},
    {"epoll", one_ready, epoll_one},
    {"sigaction", nothing, install_handler},
    {"signal", one_handler, catch_signal},
    {"mmap64k", nothing, map_touch_unmap},
    {0},
};

int main(int argc, char **argv)
{
    MUST(argc == 3);
    const struct row *row = find_row(rows, argv[1]);
    row->setup();
    printf("%.2f\n", ns_per_unit(row->run, atol(argv[2])));
    return 0;
}
