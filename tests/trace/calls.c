// Calls of many kinds, each with arguments worth decoding. Nothing it does depends on where it runs, but addresses, process
// ids and times. Addresses that are bad on purpose stand last in each part.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define BAD ((void *)1)
#define call syscall

static void nothing(int signal) { (void)signal; }
static char stack_of_signals[16384];

static void files(void) {
    struct stat st;
    struct statx stx;
    struct statfs fs;
    char buf[5000];
    mkdir("dir", 0750);
    int fd = open("dir/file", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    call(SYS_write, fd, "one\ttwo\n\"quoted\" \\ \1\0019\377\n", 24);
    call(SYS_write, fd, "exactly thirty-two bytes of text", 32);
    call(SYS_write, fd, "more than thirty-two bytes of text", 34);
    call(SYS_write, fd, "", 0);
    call(SYS_pwrite64, fd, "at", 2, 4096);
    call(SYS_pread64, fd, buf, 10, 0);
    call(SYS_lseek, fd, -5L, SEEK_END);
    call(SYS_read, fd, buf, sizeof buf);
    call(SYS_read, fd, buf, 0);
    struct iovec out[3] = {{"first", 5}, {"", 0}, {"a longer piece than strace would ever show", 42}};
    call(SYS_writev, fd, out, 3);
    call(SYS_writev, fd, out, 0);
    call(SYS_lseek, fd, 0L, SEEK_SET);
    char a[4], b[100];
    struct iovec in[2] = {{a, sizeof a}, {b, sizeof b}};
    call(SYS_readv, fd, in, 2);
    call(SYS_preadv, fd, in, 2, 90L, 0L);
    call(SYS_pwritev, fd, out, 1, 0L, 0L);
    call(SYS_stat, "dir/file", &st);
    call(SYS_lstat, "dir", &st);
    call(SYS_fstat, fd, &st);
    call(SYS_stat, "missing", &st);
    call(SYS_newfstatat, AT_FDCWD, "dir/file", &st, AT_SYMLINK_NOFOLLOW);
    call(SYS_newfstatat, fd, "", &st, AT_EMPTY_PATH);
    call(SYS_stat, "/dev/null", &st);
    call(SYS_statx, AT_FDCWD, "dir/file", AT_SYMLINK_NOFOLLOW, STATX_MODE | STATX_SIZE, &stx);
    call(SYS_statx, AT_FDCWD, "dir", 0, STATX_BASIC_STATS, &stx);
    call(SYS_statx, AT_FDCWD, "missing", AT_STATX_SYNC_AS_STAT, STATX_BASIC_STATS, &stx);
    call(SYS_statfs, "/proc", &fs);
    call(SYS_symlink, "a target that is longer than thirty-two bytes", "dir/link");
    call(SYS_readlink, "dir/link", buf, sizeof buf);
    call(SYS_readlink, "dir/link", buf, 8);
    call(SYS_readlinkat, AT_FDCWD, "dir/file", buf, 8);
    int dir = open("dir", O_RDONLY | O_DIRECTORY);
    call(SYS_getdents64, dir, buf, sizeof buf);
    call(SYS_getdents64, dir, buf, sizeof buf);
    call(SYS_openat, dir, "file", O_WRONLY | O_APPEND | O_NOFOLLOW);
    call(SYS_faccessat, dir, "file", R_OK | W_OK);
    call(SYS_faccessat2, dir, "file", X_OK, AT_EACCESS);
    call(SYS_access, "dir", F_OK);
    call(SYS_getcwd, buf, sizeof buf);
    call(SYS_getcwd, buf, 1);
    struct timespec times[2] = {{1, 2}, {0, UTIME_OMIT}};
    call(SYS_utimensat, dir, "file", times, 0);
    call(SYS_utimensat, dir, "file", NULL, AT_SYMLINK_NOFOLLOW);
    struct timespec now[2] = {{0, UTIME_NOW}, {5, 6}};
    call(SYS_utimensat, fd, NULL, now, 0);
    struct timeval tv[2] = {{1, 2}, {3, 4}};
    call(SYS_utimes, "dir/file", tv);
    call(SYS_chmod, "dir/file", 0600);
    call(SYS_fchown, fd, -1, -1);
    call(SYS_ftruncate, fd, 100L);
    call(SYS_fallocate, fd, FALLOC_FL_KEEP_SIZE, 0L, 4096L);
    call(SYS_flock, fd, LOCK_EX | LOCK_NB);
    call(SYS_fsync, fd);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 1, .l_len = 2};
    call(SYS_fcntl, fd, F_SETLK, &lock);
    call(SYS_fcntl, fd, F_GETLK, &lock);
    call(SYS_fcntl, fd, F_GETFD);
    call(SYS_fcntl, fd, F_SETFD, 0);
    call(SYS_fcntl, fd, F_GETFL);
    call(SYS_fcntl, fd, F_SETFL, O_APPEND | O_NONBLOCK);
    call(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 20);
    call(SYS_dup2, fd, 30);
    call(SYS_dup3, dir, 30, O_CLOEXEC);
    call(SYS_dup, 30);
    off_t from = 3;
    int other = open("dir/other", O_RDWR | O_CREAT, 0600);
    call(SYS_sendfile, other, fd, &from, 7);
    call(SYS_copy_file_range, fd, NULL, other, NULL, 3, 0);
    call(SYS_linkat, AT_FDCWD, "dir/other", dir, "hard", 0);
    call(SYS_renameat2, dir, "hard", dir, "name", RENAME_NOREPLACE);
    call(SYS_unlinkat, dir, "name", 0);
    call(SYS_unlink, "dir/link");
    call(SYS_setxattr, "dir/file", "user.llano", "value", 5, XATTR_CREATE);
    call(SYS_getxattr, "dir/file", "user.llano", buf, sizeof buf);
    call(SYS_close_range, 20, 40, 0);
    call(SYS_close, other);
    call(SYS_close, other);
    call(SYS_umask, 027);
    call(SYS_chdir, "dir");
    call(SYS_openat, AT_FDCWD, "file", O_RDONLY);
    call(SYS_fchdir, dir);
    call(SYS_chdir, "..");
    call(SYS_lseek, fd, 0L, SEEK_SET);
    call(SYS_read, fd, BAD, 5);
    call(SYS_write, fd, BAD, 5);
    call(SYS_stat, BAD, &st);
    call(SYS_stat, "dir", BAD);
    call(SYS_fstat, 99, &st);
    call(SYS_writev, fd, BAD, 2);
    call(SYS_readlink, "dir/file", BAD, 5);
    call(SYS_getdents64, dir, BAD, 100);
    call(SYS_close, dir);
    call(SYS_close, fd);
}

static void memory(void) {
    void *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    call(SYS_mprotect, map, 4096, PROT_NONE);
    call(SYS_madvise, map, 4096, MADV_DONTNEED);
    // A buffer whose second half cannot be read.
    memset((char *)map + 4096, 'x', 4096);
    call(SYS_mprotect, (char *)map + 4096, 4096, PROT_READ | PROT_WRITE);
    munmap(map, 8192);
    int fd = memfd_create("a name", MFD_CLOEXEC);
    ftruncate(fd, 4096);
    map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    call(SYS_msync, map, 4096, MS_SYNC);
    call(SYS_munmap, map, 4096);
    close(fd);
}

static void descriptors(void) {
    int pair[2];
    char buf[100];
    call(SYS_pipe2, pair, O_CLOEXEC);
    call(SYS_fcntl, pair[0], F_GETPIPE_SZ);
    call(SYS_write, pair[1], "ping", 4);
    int ready;
    call(SYS_ioctl, pair[0], FIONREAD, &ready);
    struct winsize size;
    call(SYS_ioctl, pair[0], TIOCGWINSZ, &size);
    struct pollfd fds[2] = {{pair[0], POLLIN | POLLPRI, 0}, {pair[1], POLLOUT, 0}};
    call(SYS_poll, fds, 2, 1000);
    call(SYS_poll, fds, 1, -1);
    struct timespec second = {1, 0}, instant = {0, 1000};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    call(SYS_ppoll, fds, 1, &second, &set, 8);
    call(SYS_read, pair[0], buf, sizeof buf);
    call(SYS_poll, fds, 1, 0);
    call(SYS_ppoll, fds, 1, &instant, NULL, 8);
    fds[1].fd = -1;
    call(SYS_poll, fds, 2, 1);
    fds[0].fd = 99;
    call(SYS_poll, fds, 1, 0);
    call(SYS_poll, NULL, 0, 1);
    fd_set in, out;
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(pair[0], &in);
    FD_SET(pair[1], &out);
    struct timeval wait = {2, 0};
    call(SYS_select, pair[1] + 1, &in, &out, NULL, &wait);
    FD_ZERO(&in);
    FD_SET(pair[0], &in);
    wait = (struct timeval){0, 1000};
    call(SYS_select, pair[1] + 1, &in, NULL, NULL, &wait);
    struct { sigset_t *set; size_t size; } mask = {&set, 8};
    FD_SET(pair[0], &in);
    call(SYS_pselect6, pair[1] + 1, &in, NULL, NULL, &instant, &mask);
    FD_SET(pair[0], &in);
    call(SYS_pselect6, pair[1] + 1, &in, NULL, NULL, &instant, NULL);
    call(SYS_select, 0, NULL, NULL, NULL, &wait);
    int ep = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {EPOLLIN | EPOLLET, {.u64 = 0x100000007}}, got[4];
    call(SYS_epoll_ctl, ep, EPOLL_CTL_ADD, pair[0], &event);
    event.events = EPOLLOUT | EPOLLRDHUP;
    event.data.u64 = 9;
    call(SYS_epoll_ctl, ep, EPOLL_CTL_ADD, pair[1], &event);
    call(SYS_epoll_wait, ep, got, 4, 10);
    write(pair[1], "pong", 4);
    call(SYS_epoll_pwait, ep, got, 4, -1, &set, 8);
    call(SYS_epoll_ctl, ep, EPOLL_CTL_DEL, pair[1], NULL);
    call(SYS_epoll_wait, ep, got, 4, 0);
    int ev = eventfd(3, EFD_NONBLOCK);
    call(SYS_read, ev, buf, 8);
    call(SYS_read, ev, buf, 8);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    struct itimerspec soon = {{0, 0}, {0, 1000000}}, old;
    call(SYS_timerfd_settime, timer, 0, &soon, &old);
    call(SYS_read, timer, buf, 8);
    call(SYS_timerfd_gettime, timer, &old);
    int sig = signalfd(-1, &set, SFD_CLOEXEC);
    int note = inotify_init1(IN_CLOEXEC);
    call(SYS_inotify_add_watch, note, "dir", IN_CREATE | IN_DELETE);
    call(SYS_splice, pair[0], NULL, pair[1], NULL, 4, SPLICE_F_NONBLOCK);
    call(SYS_poll, BAD, 1, 0);
    call(SYS_pipe2, BAD, 0);
    call(SYS_epoll_wait, ep, BAD, 4, 0);
    call(SYS_select, 1, BAD, NULL, NULL, NULL);
    for (int fd = 3; fd < 20; fd++) close(fd);
    (void)sig;
}

static void sockets(void) {
    int pair[2];
    char buf[100], control[100] = {0};
    call(SYS_socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
    call(SYS_sendto, pair[0], "hello", 5, MSG_NOSIGNAL, NULL, 0);
    call(SYS_recvfrom, pair[1], buf, sizeof buf, MSG_DONTWAIT, NULL, NULL);
    call(SYS_recvfrom, pair[1], buf, sizeof buf, MSG_DONTWAIT, NULL, NULL);
    struct iovec io[2] = {{"ab", 2}, {"cdef", 4}};
    struct msghdr msg = {.msg_iov = io, .msg_iovlen = 2};
    call(SYS_sendmsg, pair[0], &msg, 0);
    struct iovec into = {buf, sizeof buf};
    msg = (struct msghdr){.msg_iov = &into, .msg_iovlen = 1};
    call(SYS_recvmsg, pair[1], &msg, 0);
    msg = (struct msghdr){.msg_iov = io, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(4)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS, c->cmsg_len = CMSG_LEN(4);
    memcpy(CMSG_DATA(c), &pair[0], 4);
    call(SYS_sendmsg, pair[0], &msg, 0);
    memset(control, 0, sizeof control);
    msg = (struct msghdr){.msg_iov = &into, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    call(SYS_recvmsg, pair[1], &msg, MSG_CMSG_CLOEXEC);
    int on = 1;
    socklen_t len = sizeof on;
    call(SYS_setsockopt, pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
    call(SYS_getsockopt, pair[0], SOL_SOCKET, SO_TYPE, &on, &len);
    struct timeval limit = {3, 500};
    call(SYS_setsockopt, pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    call(SYS_shutdown, pair[0], SHUT_WR);
    int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_un un = {AF_UNIX, "dir/socket"}, peer;
    call(SYS_bind, server, &un, sizeof un);
    call(SYS_listen, server, 5);
    call(SYS_connect, client, &un, sizeof un);
    len = sizeof peer;
    call(SYS_accept4, server, &peer, &len, SOCK_CLOEXEC);
    len = sizeof peer;
    call(SYS_getsockname, server, &peer, &len);
    len = sizeof peer;
    call(SYS_getpeername, client, &peer, &len);
    un.sun_path[4] = 0;
    strcpy(un.sun_path + 1, "abstract");
    call(SYS_connect, client, &un, 11);
    un.sun_path[3] = 'x';
    strcpy(un.sun_path, "no/socket");
    call(SYS_connect, socket(AF_UNIX, SOCK_DGRAM, 0), &un, sizeof un);
    call(SYS_connect, 99, BAD, 16);
    call(SYS_sendmsg, pair[0], BAD, 0);
    call(SYS_getsockname, server, &peer, BAD);
    for (int fd = 3; fd < 20; fd++) close(fd);
}

static void signals(void) {
    struct sigaction act = {.sa_handler = nothing, .sa_flags = SA_RESTART | SA_NODEFER}, old;
    sigaddset(&act.sa_mask, SIGINT);
    sigaddset(&act.sa_mask, SIGHUP);
    sigaction(SIGUSR1, &act, &old);
    act.sa_handler = SIG_IGN;
    act.sa_flags = 0;
    sigfillset(&act.sa_mask);
    sigaction(SIGUSR2, &act, NULL);
    sigaction(SIGUSR2, NULL, &old);
    sigset_t set, was;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN + 3);
    call(SYS_rt_sigprocmask, SIG_BLOCK, &set, &was, 8);
    call(SYS_kill, getpid(), SIGUSR1);
    call(SYS_rt_sigpending, &was, 8);
    siginfo_t info;
    struct timespec wait = {1, 5};
    call(SYS_rt_sigtimedwait, &set, &info, &wait, 8);
    wait = (struct timespec){0, 1000};
    call(SYS_rt_sigtimedwait, &set, &info, &wait, 8);
    sigfillset(&set);
    call(SYS_rt_sigprocmask, SIG_SETMASK, &set, &was, 8);
    call(SYS_rt_sigprocmask, SIG_SETMASK, &was, NULL, 8);
    call(SYS_rt_sigprocmask, SIG_UNBLOCK, &set, NULL, 8);
    stack_t stack = {.ss_sp = stack_of_signals, .ss_size = 16384}, before;
    call(SYS_sigaltstack, &stack, &before);
    call(SYS_sigaltstack, NULL, &before);
    struct itimerval alarm = {{0, 0}, {5, 0}}, left;
    call(SYS_setitimer, ITIMER_REAL, &alarm, &left);
    alarm.it_value.tv_sec = 0;
    call(SYS_setitimer, ITIMER_REAL, &alarm, NULL);
    call(SYS_tgkill, getpid(), call(SYS_gettid), 0);
    call(SYS_rt_sigaction, SIGUSR1, BAD, NULL, 8);
    call(SYS_rt_sigprocmask, SIG_BLOCK, BAD, NULL, 8);
    struct sigevent sev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
    int timer;
    call(SYS_timer_create, CLOCK_MONOTONIC, &sev, &timer);
    struct itimerspec spec = {{0, 0}, {9, 0}}, spec_old;
    call(SYS_timer_settime, timer, 0, &spec, &spec_old);
    call(SYS_timer_delete, timer);
}

static void processes(void) {
    int status;
    struct rusage usage;
    pid_t child = fork();
    if (child == 0) _exit(7);
    call(SYS_wait4, child, &status, 0, &usage);
    child = fork();
    if (child == 0) raise(SIGKILL);
    call(SYS_wait4, -1, &status, WUNTRACED, NULL);
    child = fork();
    if (child == 0) {
        char *argv[] = {"true", "an argument of more than thirty-two bytes", "", NULL};
        char *envp[] = {"A=1", "B=2", NULL};
        execve("/no/such/program", argv, envp);
        call(SYS_execve, "/bin/true", BAD, NULL);
        _exit(0);
    }
    siginfo_t info;
    call(SYS_waitid, P_PID, child, &info, WEXITED, NULL);
    call(SYS_wait4, -1, &status, WNOHANG, NULL);
    call(SYS_wait4, -1, NULL, 0, NULL);
    struct rlimit limit;
    call(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit);
    limit = (struct rlimit){1024, 2048};
    call(SYS_prlimit64, 0, RLIMIT_CORE, &limit, NULL);
    limit.rlim_cur = limit.rlim_max = 100 * 1024 * 1024;
    call(SYS_setrlimit, RLIMIT_FSIZE, &limit);
    call(SYS_getrlimit, RLIMIT_FSIZE, &limit);
    call(SYS_getrusage, RUSAGE_SELF, &usage);
    struct utsname name;
    call(SYS_uname, &name);
    struct tms tms;
    call(SYS_times, &tms);
    struct sysinfo sys;
    call(SYS_sysinfo, &sys);
    call(SYS_prctl, PR_SET_NAME, "a new name");
    char comm[16];
    call(SYS_prctl, PR_GET_NAME, comm);
    call(SYS_prctl, PR_SET_PDEATHSIG, SIGTERM);
    gid_t groups[100];
    call(SYS_getgroups, 0, NULL);
    uid_t r, e, s;
    call(SYS_getresuid, &r, &e, &s);
    call(SYS_getpgid, 0);
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(0, &cpus);
    call(SYS_sched_setaffinity, 0, 8, &cpus);
    call(SYS_sched_getaffinity, 0, 128, &cpus);
    struct sched_param param = {0};
    call(SYS_sched_getparam, 0, &param);
    call(SYS_sched_setscheduler, 0, SCHED_BATCH, &param);
    call(SYS_sched_get_priority_max, SCHED_FIFO);
    call(SYS_prlimit64, 0, RLIMIT_NOFILE, BAD, NULL);
    call(SYS_uname, BAD);
    (void)groups;
}

static void times_(void) {
    struct timespec t = {0, 1000}, left;
    struct timeval tv;
    call(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
    call(SYS_clock_getres, CLOCK_REALTIME, &t);
    call(SYS_gettimeofday, &tv, NULL);
    call(SYS_time, NULL);
    t = (struct timespec){0, 1000};
    call(SYS_nanosleep, &t, &left);
    call(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &t, NULL);
    t = (struct timespec){1, 0};
    call(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
    t = (struct timespec){0, 1000000000};
    call(SYS_clock_nanosleep, CLOCK_REALTIME, 0, &t, NULL);
    int word = 5;
    t = (struct timespec){0, 1000};
    call(SYS_futex, &word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 5, &t);
    call(SYS_futex, &word, FUTEX_WAIT, 6, NULL);
    call(SYS_futex, &word, FUTEX_WAKE, 1);
    call(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 5, &t, NULL, FUTEX_BITSET_MATCH_ANY);
    call(SYS_nanosleep, BAD, NULL);
    call(SYS_clock_gettime, CLOCK_REALTIME, BAD);
    call(SYS_getrandom, &t, 0, GRND_NONBLOCK);
}

int main(void) {
    files();
    memory();
    descriptors();
    sockets();
    signals();
    processes();
    times_();
    call(777, 1L, 2L, 3L, 4L, 5L, 6L);
    return 3;
}
