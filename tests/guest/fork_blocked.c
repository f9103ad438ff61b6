// Results of a call that one process waits in go to its own memory, though another with the same addresses runs; fork(2).
// syscalls: fork read poll select epoll_wait nanosleep recvmsg rt_sigtimedwait
// build: static musl
#include "ktap.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

// The buffers of all cases; the process that runs keeps its own pattern in them and looks after it.
static union {
    char bytes[32768];
    struct pollfd poll[4];
    struct epoll_event events[4];
    fd_set set;
    struct timespec time;
    siginfo_t info;
    struct {
        struct msghdr header;
        struct iovec part[2];
        char text[100], control[100];
        struct sockaddr_storage name;
    } message;
} buffer;
static int fds[2];

// Whether the process waits for something.
static int asleep(pid_t pid) {
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    char *state = strrchr(get_file(path), ')');
    return state && state[2] == 'S';
}

// `wait_for` blocks in the child; the parent, whose buffers hold 0x55, looks on while it calls `cause`.
static void waits(void (*wait_for)(void), void (*cause)(pid_t)) {
    memset(&buffer, 0x55, sizeof buffer);
    struct gate ready = gate(), finish = gate();
    pid_t pid = fork_child();
    if (pid == 0) {
        memset(&buffer, 0, sizeof buffer);
        open_gate(ready);
        wait_for();
        pass_gate(finish);
        leave();
    }
    pass_gate(ready);
    CHECK(EVENTUALLY(asleep(pid)));
    cause(pid);
    for (int round = 0; round < 10; round++) {
        burn_ms(1);
        for (unsigned i = 0; i < sizeof buffer; i++) CHECK_EQ(buffer.bytes[i], 0x55);
    }
    open_gate(finish);
    sleep_ms(1);
    for (unsigned i = 0; i < sizeof buffer; i++) CHECK_EQ(buffer.bytes[i], 0x55);
    CHECK_CHILD(pid);
}

static void send_text(pid_t pid) {
    (void)pid;
    char text[9000];
    memset(text, 't', sizeof text);
    CHECK_EQ(write(fds[1], text, sizeof text), sizeof text);
}
static void wait_read(void) {
    size_t done = 0;
    while (done < 9000) {
        ssize_t n = read(fds[0], buffer.bytes + done, 9000 - done);
        CHECK(n > 0);
        done += n;
    }
    for (int i = 0; i < 9000; i++) CHECK_EQ(buffer.bytes[i], 't');
    CHECK_EQ(buffer.bytes[9000], 0);
}
TEST(read_of_a_pipe) {
    MUST(pipe(fds));
    waits(wait_read, send_text);
}
TEST(read_of_a_socket) {
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
    waits(wait_read, send_text);
}

// The other direction: the writer sleeps with its bytes still in its memory.
static void wait_write(void) {
    memset(&buffer, 'w', sizeof buffer);
    for (int i = 0; i < 8; i++) CHECK_EQ(write(fds[1], &buffer, sizeof buffer), sizeof buffer);
}
static void take_all(pid_t pid) {
    (void)pid;
    char text[4096];
    for (size_t done = 0; done < 8 * sizeof buffer;) {
        ssize_t n = read(fds[0], text, sizeof text);
        CHECK(n > 0);
        for (int i = 0; i < n; i++) CHECK_EQ(text[i], 'w');
        done += n;
    }
}
TEST(write_to_a_full_pipe) {
    MUST(pipe(fds));
    waits(wait_write, take_all);
}
TEST(write_to_a_full_socket) {
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
    waits(wait_write, take_all);
}

static void send_byte(pid_t pid) {
    (void)pid;
    CHECK_EQ(write(fds[1], "b", 1), 1);
}
static void wait_poll(void) {
    buffer.poll[1] = (struct pollfd){fds[0], POLLIN, 0};
    buffer.poll[0].fd = -1;
    CHECK_EQ(poll(buffer.poll, 2, 5000), 1);
    CHECK_EQ(buffer.poll[1].revents, POLLIN);
}
TEST(poll_results) {
    MUST(pipe(fds));
    waits(wait_poll, send_byte);
}
static void wait_select(void) {
    FD_SET(fds[0], &buffer.set);
    CHECK_EQ(select(fds[0] + 1, &buffer.set, NULL, NULL, NULL), 1);
    CHECK(FD_ISSET(fds[0], &buffer.set));
}
TEST(select_results) {
    MUST(pipe(fds));
    waits(wait_select, send_byte);
}
static void wait_epoll(void) {
    int set = MUST(epoll_create1(0));
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0x1234567890};
    MUST(epoll_ctl(set, EPOLL_CTL_ADD, fds[0], &event));
    CHECK_EQ(epoll_wait(set, buffer.events, 4, 5000), 1);
    CHECK(buffer.events[0].data.u64 == 0x1234567890 && buffer.events[0].events == EPOLLIN);
}
TEST(epoll_results) {
    MUST(pipe(fds));
    waits(wait_epoll, send_byte);
}

static void on_signal(int sig) { (void)sig; }
static void interrupt(pid_t pid) { MUST(kill(pid, SIGUSR1)); }
static void wait_sleep(void) {
    struct sigaction sa = {.sa_handler = on_signal};
    MUST(sigaction(SIGUSR1, &sa, NULL));
    struct timespec request = {100, 0};
    CHECK_ERR(nanosleep(&request, &buffer.time), EINTR);
    CHECK(buffer.time.tv_sec >= 90 && buffer.time.tv_sec <= 100);
}
TEST(remaining_sleep) {
    signal(SIGUSR1, SIG_IGN);
    waits(wait_sleep, interrupt);
    signal(SIGUSR1, SIG_DFL);
}

static void wait_signal(void) {
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    CHECK_EQ(sigwaitinfo(&mask, &buffer.info), SIGUSR1);
    CHECK(buffer.info.si_signo == SIGUSR1 && buffer.info.si_pid == getppid());
}
TEST(awaited_signal) {
    sigset_t mask, old;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    MUST(sigprocmask(SIG_BLOCK, &mask, &old));
    waits(wait_signal, interrupt);
    MUST(sigprocmask(SIG_SETMASK, &old, NULL));
}

static void send_message(pid_t pid) {
    (void)pid;
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr header;
    } control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
    struct iovec part = {"to you and you", 14};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    memcpy(CMSG_DATA(&control.header), &fds[0], sizeof(int));
    CHECK_EQ(sendmsg(fds[1], &header, 0), 14);
}
static void wait_message(void) {
    struct msghdr *header = &buffer.message.header;
    buffer.message.part[0] = (struct iovec){buffer.message.text, 6};
    buffer.message.part[1] = (struct iovec){buffer.message.text + 50, 50};
    *header = (struct msghdr){.msg_name = &buffer.message.name, .msg_namelen = sizeof buffer.message.name,
                              .msg_iov = buffer.message.part, .msg_iovlen = 2,
                              .msg_control = buffer.message.control, .msg_controllen = sizeof buffer.message.control};
    CHECK_EQ(recvmsg(fds[0], header, 0), 14);
    CHECK(memcmp(buffer.message.text, "to you", 7) == 0 && memcmp(buffer.message.text + 50, " and you", 9) == 0);
    struct cmsghdr *control = CMSG_FIRSTHDR(header);
    CHECK(control && control->cmsg_type == SCM_RIGHTS);
    int got;
    memcpy(&got, CMSG_DATA(control), sizeof got);
    CHECK(fcntl(got, F_GETFD) >= 0);
}
TEST(message_with_a_descriptor) {
    MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds));
    waits(wait_message, send_message);
}

static void nothing(pid_t pid) { (void)pid; }
static void wait_timer(void) {
    int fd = MUST(timerfd_create(CLOCK_MONOTONIC, 0));
    struct itimerspec soon = {.it_value = {0, 15000000}};
    MUST(timerfd_settime(fd, 0, &soon, NULL));
    CHECK_EQ(read(fd, &buffer, 8), 8);
    CHECK_EQ(*(uint64_t *)&buffer, 1);
}
TEST(timer_descriptor) { waits(wait_timer, nothing); }

static void make_file(pid_t pid) {
    (void)pid;
    pass_gate((struct gate){fds[0], fds[1]});
    put_file("new", "");
}
static void wait_inotify(void) {
    int fd = MUST(inotify_init1(0));
    MUST(inotify_add_watch(fd, ".", IN_CREATE));
    open_gate((struct gate){fds[0], fds[1]});
    CHECK(read(fd, &buffer, 4096) > 0);
    CHECK(strcmp(((struct inotify_event *)&buffer)->name, "new") == 0);
}
TEST(file_notification) {
    scratch();
    MUST(pipe(fds));
    waits(wait_inotify, make_file);
}

static void wait_child(void) {
    pid_t pid = fork();
    if (pid == 0) {
        burn_ms(10);
        _exit(66);
    }
    CHECK_EQ(waitid(P_PID, pid, &buffer.info, WEXITED), 0);
    CHECK(buffer.info.si_pid == pid && buffer.info.si_status == 66);
}
TEST(childs_status) { waits(wait_child, nothing); }

// Killed in the middle of a call, with a clear-tid word and a robust list at addresses that others use.
static void wait_for_ever(void) {
    syscall(SYS_set_tid_address, &buffer);
    buffer.bytes[0] = 1;
    for (;;) pause();
}
TEST(death_writes_to_its_own) {
    memset(&buffer, 0x55, sizeof buffer);
    struct gate ready = gate();
    pid_t pid = fork_child();
    if (pid == 0) {
        open_gate(ready);
        wait_for_ever();
    }
    pass_gate(ready);
    CHECK(EVENTUALLY(asleep(pid)));
    MUST(kill(pid, SIGKILL));
    CHECK_EQ(wait_status(pid), SIGKILL);
    for (unsigned i = 0; i < sizeof buffer; i++) CHECK_EQ(buffer.bytes[i], 0x55);
}
