// System calls that do something, each made with every register filled: `useful_calls()` between `begin_useful_calls(NAME)` and
// `end_useful_calls()`, which make and remove what they work on. With `expect_success` each must succeed.
#ifndef USEFUL_CALLS_H
#define USEFUL_CALLS_H

#include "registers.h"
#include <linux/aio_abi.h>
#include <linux/futex.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/xattr.h>

static int expect_success;
static long useful(int line, long r) {
    if (expect_success && r < 0) ktap_note(line, "the call succeeds", r, 0, 1);
    return r;
}
// CALL must succeed, TRY need not, OPEN makes a descriptor, which is closed.
#define TRY(name, ...) HELD(SYS_##name, __VA_ARGS__)
#define CALL(name, ...) useful(__LINE__, HELD(SYS_##name, __VA_ARGS__))
#define OPEN(name, ...) ({ long opened_ = CALL(name, __VA_ARGS__); opened_ >= 0 ? close(opened_) : -1; })

static int zero, file, directory, pipe_ends[2], second[2], sockets[2], poller;
static char bytes[8192];
static struct iovec vector = {bytes, 64};
static const struct timespec no_time, little_time = {0, 1000};

static void dirty_on_signal(int sig) {
    (void)sig;
    dirty();
}
static void begin_useful_calls(const char *name) {
    scratch();
    MUST(mkdir(name, 0755));
    MUST(chdir(name));
    put_file("file", "some text that is longer than what is read of it at once, and then some more");
    zero = MUST(open("/dev/zero", O_RDWR));
    file = MUST(open("file", O_RDWR));
    directory = MUST(open(".", O_RDONLY | O_DIRECTORY));
    MUST(pipe(pipe_ends));
    MUST(pipe(second));
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
    poller = MUST(epoll_create1(0));
    struct sigaction act = {.sa_handler = dirty_on_signal};
    MUST(sigaction(SIGUSR1, &act, NULL));
    prepare(0, 0, 0, 0, 0, 0); // chooses the registers
}
static void end_useful_calls(void) {
    int all[] = {zero, file, directory, pipe_ends[0], pipe_ends[1], second[0], second[1], sockets[0], sockets[1], poller};
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++) close(all[i]);
    MUST(chdir(scratch_path));
}

static void calls_on_files(void) {
    struct stat st;
    struct statx sx;
    struct rlimit limit;
    int pair[2];
    char *text[] = {"file", "other"};
    OPEN(open, "file", O_RDONLY);
    OPEN(openat, AT_FDCWD, "file", O_RDONLY);
    struct open_how how = {.flags = O_RDONLY};
    OPEN(openat2, AT_FDCWD, "file", &how, sizeof how);
    OPEN(creat, "new", 0644);
    CALL(unlink, "new");
    CALL(mknod, "fifo", S_IFIFO | 0600, 0), CALL(unlinkat, AT_FDCWD, "fifo", 0);
    CALL(mknodat, AT_FDCWD, "fifo", S_IFIFO | 0600, 0), CALL(unlink, "fifo");
    CALL(mkdir, "d", 0755), CALL(rmdir, "d");
    CALL(mkdirat, directory, "d", 0755), CALL(unlinkat, directory, "d", AT_REMOVEDIR);
    CALL(link, text[0], text[1]), CALL(unlink, text[1]);
    CALL(linkat, AT_FDCWD, text[0], AT_FDCWD, text[1], 0), CALL(unlink, text[1]);
    CALL(symlink, text[0], text[1]), CALL(readlink, text[1], bytes, 64), CALL(readlinkat, AT_FDCWD, text[1], bytes, 64);
    CALL(lstat, text[1], &st), CALL(lchown, text[1], -1, -1), CALL(unlink, text[1]);
    CALL(symlinkat, text[0], AT_FDCWD, text[1]), CALL(unlink, text[1]);
    CALL(rename, text[0], text[1]), CALL(renameat, AT_FDCWD, text[1], AT_FDCWD, text[0]);
    CALL(renameat2, AT_FDCWD, text[0], AT_FDCWD, text[1], 0), CALL(rename, text[1], text[0]);
    CALL(stat, "file", &st), CALL(fstat, file, &st), CALL(newfstatat, AT_FDCWD, "file", &st, 0);
    CALL(statx, AT_FDCWD, "file", 0, 0x7ff, &sx);
    CALL(access, "file", R_OK), CALL(faccessat, AT_FDCWD, "file", R_OK), CALL(faccessat2, AT_FDCWD, "file", R_OK, 0);
    CALL(chmod, "file", 0644), CALL(fchmod, file, 0644), CALL(fchmodat, AT_FDCWD, "file", 0644);
    CALL(chown, "file", -1, -1), CALL(fchown, file, -1, -1), CALL(fchownat, AT_FDCWD, "file", -1, -1, 0);
    CALL(utime, "file", 0), CALL(utimes, "file", 0), CALL(futimesat, AT_FDCWD, "file", 0), CALL(utimensat, AT_FDCWD, "file", 0, 0);
    CALL(truncate, "file", 60), CALL(ftruncate, file, 70), CALL(fallocate, file, 0, 0, 80);
    CALL(lseek, file, 0, SEEK_SET), CALL(read, file, bytes, 10), CALL(write, file, "text", 4);
    CALL(pread64, file, bytes, 10, 0), CALL(pwrite64, file, bytes, 10, 0);
    CALL(readv, zero, &vector, 1), CALL(writev, zero, &vector, 1), CALL(preadv, file, &vector, 1, 0), CALL(pwritev, file, &vector, 1, 0);
    CALL(preadv2, file, &vector, 1, 0, 0, 0), CALL(pwritev2, file, &vector, 1, 0, 0, 0);
    CALL(fsync, file), CALL(fdatasync, file), CALL(sync_file_range, file, 0, 0, 0);
    CALL(readahead, file, 0, 64), CALL(fadvise64, file, 0, 64, 0), CALL(flock, file, 8);
    CALL(fcntl, file, F_GETFL), CALL(ioctl, pipe_ends[0], FIONREAD, bytes);
    CALL(lseek, directory, 0, SEEK_SET), CALL(getdents64, directory, bytes, sizeof bytes);
    CALL(lseek, directory, 0, SEEK_SET), CALL(getdents, directory, bytes, sizeof bytes);
    CALL(getcwd, bytes, sizeof bytes), CALL(chdir, "."), CALL(fchdir, directory), CALL(umask, 022);
    CALL(statfs, ".", bytes), CALL(fstatfs, file, bytes);
    TRY(setxattr, "file", "user.a", "b", 1, 0), TRY(getxattr, "file", "user.a", bytes, 64), TRY(listxattr, "file", bytes, 64);
    TRY(lgetxattr, "file", "user.a", bytes, 64), TRY(fgetxattr, file, "user.a", bytes, 64), TRY(removexattr, "file", "user.a");
    OPEN(dup, file), OPEN(dup2, file, 90), OPEN(dup3, file, 91, O_CLOEXEC), CALL(dup2, file, 90), CALL(close, 90);
    CALL(close_range, 100000, 100001, 0), CALL(getrlimit, RLIMIT_NOFILE, &limit), CALL(setrlimit, RLIMIT_NOFILE, &limit);
    if (CALL(pipe, pair) == 0) close(pair[0]), close(pair[1]);
    if (CALL(pipe2, pair, O_CLOEXEC) == 0) close(pair[0]), close(pair[1]);
    OPEN(memfd_create, "memory", 0);
    CALL(lseek, file, 0, SEEK_SET), CALL(sendfile, zero, file, 0, 8), CALL(lseek, file, 0, SEEK_SET);
    int copy = open("copy", O_RDWR | O_CREAT, 0644);
    CALL(copy_file_range, file, 0, copy, 0, 8, 0), CALL(lseek, file, 0, SEEK_SET);
    close(copy);
}

static void calls_that_wait(void) {
    struct pollfd p = {pipe_ends[0], POLLIN, 0};
    struct epoll_event event = {.events = EPOLLIN};
    struct itimerspec soon = {.it_value = {0, 1000}};
    struct timeval none = {0, 0};
    fd_set set;
    int word = 0;
    CALL(write, pipe_ends[1], "abcdefgh", 8), CALL(read, pipe_ends[0], bytes, 4);
    CALL(tee, pipe_ends[0], second[1], 2, 0), CALL(splice, pipe_ends[0], 0, second[1], 0, 2, 0);
    CALL(poll, &p, 1, 0), CALL(ppoll, &p, 1, &little_time, 0);
    FD_ZERO(&set);
    FD_SET(pipe_ends[0], &set);
    CALL(select, pipe_ends[0] + 1, &set, 0, 0, &none), CALL(pselect6, 0, 0, 0, 0, &little_time, 0);
    CALL(epoll_ctl, poller, EPOLL_CTL_ADD, pipe_ends[0], &event), CALL(epoll_wait, poller, &event, 1, 1);
    CALL(epoll_pwait, poller, &event, 1, 1, 0, 0), CALL(epoll_pwait2, poller, &event, 1, &little_time, 0, 0);
    CALL(read, pipe_ends[0], bytes, 2);
    CALL(epoll_wait, poller, &event, 1, 1), CALL(epoll_ctl, poller, EPOLL_CTL_DEL, pipe_ends[0], &event);
    CALL(vmsplice, pipe_ends[1], &vector, 1, 0), CALL(read, pipe_ends[0], bytes, 64), CALL(read, second[0], bytes, 64);
    OPEN(epoll_create, 1), OPEN(epoll_create1, 0), OPEN(eventfd, 0), OPEN(eventfd2, 0, 0);
    uint64_t mask = 1 << (SIGUSR2 - 1);
    OPEN(signalfd, -1, &mask, 8), OPEN(signalfd4, -1, &mask, 8, 0), OPEN(inotify_init, 0);
    long fd = CALL(inotify_init1, 0), watch = CALL(inotify_add_watch, fd, ".", 0xfff);
    CALL(inotify_rm_watch, fd, watch), CALL(close, fd);
    fd = CALL(timerfd_create, CLOCK_MONOTONIC, 0), CALL(timerfd_settime, fd, 0, &soon, 0), CALL(timerfd_gettime, fd, bytes);
    CALL(read, fd, bytes, 8), CALL(close, fd);
    CALL(nanosleep, &little_time, 0), CALL(clock_nanosleep, CLOCK_MONOTONIC, 0, &little_time, 0), CALL(sched_yield, 0);
    CALL(futex, &word, FUTEX_WAKE, 1), TRY(futex, &word, FUTEX_WAIT, 0, &little_time);
    TRY(futex, &word, FUTEX_WAIT_BITSET, 0, &no_time, 0, -1);
}

static void calls_on_sockets(void) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    struct mmsghdr messages = {.msg_hdr = message};
    int value = 0;
    socklen_t length = sizeof value, room = sizeof name;
    CALL(sendto, sockets[0], "abcd", 4, 0, 0, 0), CALL(recvfrom, sockets[1], bytes, 4, 0, 0, 0);
    CALL(sendmsg, sockets[0], &message, 0), CALL(recvmsg, sockets[1], &message, 0);
    CALL(sendmmsg, sockets[0], &messages, 1, 0), CALL(recvmmsg, sockets[1], &messages, 1, 0, 0);
    CALL(getsockopt, sockets[0], SOL_SOCKET, SO_TYPE, &value, &length), CALL(setsockopt, sockets[0], SOL_SOCKET, SO_PASSCRED, &value, 4);
    CALL(getsockname, sockets[0], &name, &room), CALL(getpeername, sockets[0], &name, &room);
    // An abstract name of its own for each process: unix(7), autobind.
    long listener = CALL(socket, AF_UNIX, SOCK_STREAM, 0), client = CALL(socket, AF_UNIX, SOCK_STREAM, 0);
    name.sun_family = AF_UNIX, room = sizeof name;
    CALL(bind, listener, &name, sizeof name.sun_family), CALL(listen, listener, 1), CALL(getsockname, listener, &name, &room);
    CALL(connect, client, &name, room), OPEN(accept, listener, 0, 0), CALL(shutdown, client, SHUT_RDWR);
    close(client);
    client = socket(AF_UNIX, SOCK_STREAM, 0);
    CALL(connect, client, &name, room), OPEN(accept4, listener, 0, 0, SOCK_CLOEXEC);
    close(listener), close(client);
    int pair[2];
    if (CALL(socketpair, AF_UNIX, SOCK_DGRAM, 0, pair) == 0) close(pair[0]), close(pair[1]);
}

static void calls_on_memory(void) {
    long at = CALL(mmap, 0, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at < 0) return;
    *(char *)at = 1;
    CALL(mprotect, at, 4096, PROT_READ), CALL(msync, at, 4096, MS_SYNC), CALL(mincore, at, 4096, bytes), CALL(madvise, at, 4096, MADV_DONTNEED);
    CALL(mlock, at, 4096), CALL(munlock, at, 4096), CALL(mlock2, at, 4096, 0), CALL(munlockall, 0);
    CALL(mprotect, at, 4096, PROT_READ | PROT_WRITE);
    at = CALL(mremap, at, 65536, 131072, MREMAP_MAYMOVE), CALL(munmap, at, 131072), CALL(brk, 0);
    at = CALL(mmap, 0, 4096, PROT_READ, MAP_PRIVATE, file, 0), CALL(munmap, at, 4096);
    at = CALL(mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0), CALL(munmap, at, 4096);
    struct iovec other = {bytes + 4096, 64};
    CALL(process_vm_readv, getpid(), &vector, 1, &other, 1, 0), CALL(process_vm_writev, getpid(), &vector, 1, &other, 1, 0);
    CALL(membarrier, 0, 0), CALL(getrandom, bytes, 64, 0);
}

static void calls_on_signals(void) {
    uint64_t mask = 1 << (SIGUSR1 - 1), before, none = 0;
    siginfo_t info = {.si_code = SI_QUEUE};
    pid_t pid = getpid(), tid = syscall(SYS_gettid);
    CALL(kill, pid, SIGUSR1), CALL(tkill, tid, SIGUSR1), CALL(tgkill, pid, tid, SIGUSR1);
    CALL(rt_sigqueueinfo, pid, SIGUSR1, &info), CALL(rt_tgsigqueueinfo, pid, tid, SIGUSR1, &info);
    CALL(rt_sigaction, SIGUSR1, 0, bytes, 8), CALL(sigaltstack, 0, bytes);
    CALL(rt_sigprocmask, SIG_BLOCK, &mask, &before, 8), CALL(tgkill, pid, tid, SIGUSR1), CALL(rt_sigpending, bytes, 8);
    CALL(rt_sigtimedwait, &mask, bytes, &no_time, 8), TRY(rt_sigtimedwait, &mask, bytes, &little_time, 8);
    CALL(tgkill, pid, tid, SIGUSR1), TRY(rt_sigsuspend, &none, 8), CALL(rt_sigprocmask, SIG_SETMASK, &before, 0, 8);
    CALL(getitimer, ITIMER_VIRTUAL, bytes), CALL(setitimer, ITIMER_VIRTUAL, bytes, 0), CALL(alarm, 0);
    int timer = 0;
    struct itimerspec later = {.it_value = {100, 0}};
    CALL(timer_create, CLOCK_MONOTONIC, 0, &timer), CALL(timer_settime, timer, 0, &later, 0), CALL(timer_gettime, timer, bytes);
    CALL(timer_getoverrun, timer), CALL(timer_delete, timer);
    long fd = CALL(pidfd_open, pid, 0);
    CALL(pidfd_send_signal, fd, SIGUSR1, 0, 0), CALL(close, fd);
}

static void calls_on_processes(void) {
    static int cleared;
    int status = 0, nobody = 0;
    pid_t pid = getpid();
    CALL(getpid, 0), CALL(getppid, 0), CALL(gettid, 0), CALL(getuid, 0), CALL(geteuid, 0), CALL(getgid, 0), CALL(getegid, 0);
    CALL(getpgrp, 0), CALL(getpgid, 0), CALL(getsid, 0), CALL(getgroups, 0, 0), TRY(setsid, 0), TRY(setpgid, 0, 0);
    CALL(getresuid, bytes, bytes + 4, bytes + 8), CALL(getresgid, bytes, bytes + 4, bytes + 8);
    CALL(setresuid, -1, -1, -1), CALL(setresgid, -1, -1, -1), CALL(setreuid, -1, -1), CALL(setregid, -1, -1);
    CALL(setuid, getuid()), CALL(setgid, getgid()), CALL(setfsuid, getuid()), CALL(setfsgid, getgid());
    CALL(uname, bytes), CALL(sysinfo, bytes), CALL(times, bytes), CALL(getrusage, RUSAGE_SELF, bytes), CALL(gettimeofday, bytes, 0);
    CALL(time, 0), CALL(clock_gettime, CLOCK_MONOTONIC, bytes), CALL(clock_getres, CLOCK_MONOTONIC, bytes), CALL(getcpu, bytes, 0, 0);
    CALL(prctl, 3), CALL(arch_prctl, 0x1003, bytes), CALL(personality, -1), CALL(prlimit64, 0, RLIMIT_STACK, 0, bytes);
    CALL(getpriority, 0, 0), CALL(sched_getscheduler, 0), CALL(sched_getparam, 0, bytes), CALL(sched_getattr, 0, bytes, 48, 0);
    CALL(sched_get_priority_max, 0), CALL(sched_get_priority_min, 0), CALL(sched_rr_get_interval, 0, bytes);
    if (CALL(sched_getaffinity, 0, 128, bytes) > 0) CALL(sched_setaffinity, 0, 128, bytes);
    CALL(ioprio_get, 1, 0), CALL(get_robust_list, 0, bytes, bytes + 8), CALL(set_tid_address, &cleared), TRY(msgget, -1, 0);
    CALL(capget, (uint64_t[]){0x20080522}, bytes), TRY(restart_syscall, 0), TRY(syslog, 10);
    for (int i = 0; i < 2; i++) {
        prepare(i ? SIGCHLD : 0, 0, 0, 0, 0, 0);
        pid = round_trip(i ? SYS_clone : SYS_fork);
        if (pid == 0) _exit(holds() ? 7 : 1);
        EXPECT(pid > 0 && holds());
        // A tick may interrupt the wait.
        if (i) while (CALL(wait4, pid, &status, 0, bytes) == -EINTR) {}
        else while (CALL(waitid, P_PID, pid, &nobody, WEXITED | WNOWAIT, 0) == -EINTR) {}
        if (!i) while (waitpid(pid, &status, 0) == -1 && errno == EINTR) {}
        EXPECT_EQ(status, EXITED(7));
    }
}

static void useful_calls(void) {
    calls_on_files();
    calls_that_wait();
    calls_on_sockets();
    calls_on_memory();
    calls_on_signals();
    calls_on_processes();
}

#endif
