// Bad pointers give EFAULT from many system calls, in and out, and the program lives on; syscalls(2).
// syscalls: read write open stat fstat getcwd poll uname nanosleep rt_sigaction sigaltstack pipe2 prlimit64 socketpair select clock_gettime
#include "ktap.h"
#include <sys/socket.h>

static long bad[4];
static void prepare(void) {
    char *gone = MUST(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    MUST(munmap(gone, 8192));
    bad[0] = 1;                            // the zero page
    bad[1] = (long)gone;                   // nothing there
    bad[2] = (long)0xffffffffff600000 - 8; // the kernel's half
    bad[3] = (long)0x8000000000000000;     // not an address at all
}
static const struct {
    const char *name;
    long number, args[6];  // -7 stands for the bad pointer
} calls[] = {
    {"write", SYS_write, {1, -7, 100}},
    {"open", SYS_open, {-7, O_RDONLY}},
    {"stat", SYS_stat, {-7, -7}},
    {"fstat", SYS_fstat, {1, -7}},
    {"access", SYS_access, {-7, 0}},
    {"pipe2", SYS_pipe2, {-7, 0}},
    {"socketpair", SYS_socketpair, {AF_UNIX, SOCK_STREAM, 0, -7}},
    {"poll", SYS_poll, {-7, 1, 0}},
    {"select", SYS_select, {5, -7, 0, 0, 0}},
    {"uname", SYS_uname, {-7}},
    {"nanosleep", SYS_nanosleep, {-7, 0}},
    {"clock_gettime", SYS_clock_gettime, {CLOCK_MONOTONIC, -7}},
    {"rt_sigaction", SYS_rt_sigaction, {SIGUSR1, -7, 0, 8}},
    {"rt_sigprocmask", SYS_rt_sigprocmask, {SIG_BLOCK, -7, 0, 8}},
    {"rt_sigpending", SYS_rt_sigpending, {-7, 8}},
    {"sigaltstack", SYS_sigaltstack, {-7, 0}},
    {"prlimit64", SYS_prlimit64, {0, 7, 0, -7}},
    {"getrusage", SYS_getrusage, {0, -7}},
    {"sysinfo", SYS_sysinfo, {-7}},
    {"times", SYS_times, {-7}},
    {"getrandom", SYS_getrandom, {-7, 10, 0}},
    {"mkdir", SYS_mkdir, {-7, 0700}},
    {"unlink", SYS_unlink, {-7}},
    {"rename", SYS_rename, {-7, -7}},
    {"readlink", SYS_readlink, {(long)"/proc/self/exe", -7, 100}},
    {"chdir", SYS_chdir, {-7}},
    {"getcwd", SYS_getcwd, {-7, 4096}},
    {"statfs", SYS_statfs, {(long)"/", -7}},
    {"truncate", SYS_truncate, {-7, 0}},
    {"futex", SYS_futex, {-7, 0, 0, 0}},
    {"writev", SYS_writev, {1, -7, 2}},
    {"execve", SYS_execve, {-7, 0, 0}},
    {"newfstatat", SYS_newfstatat, {AT_FDCWD, -7, -7, 0}},
    {"memfd_create", SYS_memfd_create, {-7, 0}},
    {"getresuid", SYS_getresuid, {-7, -7, -7}},
    {"sched_getaffinity", SYS_sched_getaffinity, {0, 128, -7}},
    {"rt_sigtimedwait", SYS_rt_sigtimedwait, {-7, 0, 0, 8}},
    {"setitimer", SYS_setitimer, {0, -7, 0}},
    {"timer_create", SYS_timer_create, {CLOCK_MONOTONIC, 0, -7}},
    {"inotify_add_watch", SYS_inotify_add_watch, {-1, -7, 1}},
};

TEST(every_call_says_efault) {
    prepare();
    for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++)
        for (int b = 0; b < 4; b++) {
            long a[6];
            // futex words and bad descriptors are checked for alignment or validity first
            if ((calls[i].number == SYS_futex && b == 0) || calls[i].number == SYS_inotify_add_watch) continue;
            for (int k = 0; k < 6; k++) a[k] = calls[i].args[k] == -7 ? bad[b] : calls[i].args[k];
            long r = syscall(calls[i].number, a[0], a[1], a[2], a[3], a[4], a[5]);
            if (r != -1 || errno != EFAULT) {
                say("# %s with %lx: %ld, errno %d\n", calls[i].name, bad[b], r, errno);
                ktap_failed = 1;
            }
        }
}

TEST(object_half_outside) {
    char *page = MUST(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    MUST(munmap(page + 4096, 4096));
    CHECK_ERR(syscall(SYS_uname, page + 4000), EFAULT);
    CHECK_ERR(syscall(SYS_stat, "/", page + 4090), EFAULT);
    memset(page, 'x', 4096);
    CHECK_ERR(open(page + 4090, O_RDONLY), EFAULT);
    strcpy(page + 4091, "/dev");
    CHECK_EQ(access(page + 4091, F_OK), 0);
}

TEST(transfer_stops_at_the_border) {
    int p[2];
    char *page = MUST(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    MUST(munmap(page + 4096, 4096));
    MUST(pipe(p));
    CHECK_EQ(write(p[1], page + 4000, 96), 96);
    CHECK_EQ(read(p[0], page + 4000, 96), 96);
    scratch();
    int fd = MUST(open("f", O_RDWR | O_CREAT, 0600));
    ssize_t n = write(fd, page + 4000, 200);
    CHECK(n == 96 || (n == -1 && errno == EFAULT));
}
