// Controlling terminals, the foreground group, and what happens in the background; credentials(7), tcsetpgrp(3).
// syscalls: ioctl setsid setpgid
// needs: pty
#include "ktap.h"
#include <sys/ioctl.h>
#include <termios.h>

static int master, slave;

static void open_pair(void) {
    master = MUST(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    MUST(unlockpt(master));
    slave = MUST(open(ptsname(master), O_RDWR | O_NOCTTY));
}

// The role becomes a session's leader with the terminal as controlling terminal.
static void lead(void) {
    MUST(setsid());
    open_pair();
    MUST(ioctl(slave, TIOCSCTTY, 0));
}
#define IN_A_SESSION(name)                                                                                            \
    TEST(name) { CHECK_EQ(wait_status(SPAWN("leader_" #name)), EXITED(0)); }                                          \
    ROLE(leader_##name)

IN_A_SESSION(becomes_controlling) {
    int fd;
    MUST(setsid());
    CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);
    open_pair();
    CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);
    CHECK_ERR(tcgetpgrp(slave), ENOTTY);
    CHECK_EQ(ioctl(slave, TIOCSCTTY, 0), 0);
    CHECK_EQ(ioctl(slave, TIOCSCTTY, 0), 0);
    CHECK_EQ(tcgetpgrp(slave), getpid());
    CHECK_EQ(tcgetsid(slave), getpid());
    CHECK_EQ(tcgetpgrp(master), getpid());
    fd = open("/dev/tty", O_RDWR);
    CHECK(fd >= 0);
    CHECK_EQ(tcgetpgrp(fd), getpid());
    CHECK_EQ(write(fd, "x", 1), 1);
}

IN_A_SESSION(by_opening) {
    MUST(setsid());
    open_pair();
    int fd = MUST(open(ptsname(master), O_RDWR));
    CHECK_EQ(tcgetsid(fd), getpid());
    // A second one is not taken.
    int other = MUST(posix_openpt(O_RDWR | O_NOCTTY));
    MUST(unlockpt(other));
    CHECK_ERR(tcgetsid(MUST(open(ptsname(other), O_RDWR))), ENOTTY);
}

IN_A_SESSION(only_leaders) {
    open_pair();
    CHECK_ERR(ioctl(slave, TIOCSCTTY, 0), EPERM);
    CHECK_ERR(ioctl(slave, TIOCNOTTY, 0), ENOTTY);
}

IN_A_SESSION(foreground_errors) {
    pid_t other = SPAWN("linger", "0");
    lead();
    pid_t group = 999999;
    CHECK_ERR(ioctl(slave, TIOCSPGRP, &group), ESRCH);
    group = -1;
    CHECK_ERR(ioctl(slave, TIOCSPGRP, &group), EINVAL);
    CHECK_ERR(tcsetpgrp(slave, getppid()), EPERM);
    CHECK_ERR(ioctl(slave, TIOCSPGRP, 8), EFAULT);
    kill(other, SIGKILL);
    wait_status(other);
}

ROLE(linger) {
    if (setpgid(0, atoi(ktap_argv[2]))) _exit(99);
    for (;;) pause();
}
static pid_t linger(pid_t group) {
    char text[16];
    snprintf(text, sizeof text, "%d", group);
    pid_t pid = SPAWN("linger", text);
    if (!EVENTUALLY(getpgid(pid) == (group ? group : pid))) _exit(98);
    return pid;
}

IN_A_SESSION(keys_reach_the_foreground) {
    lead();
    pid_t front = linger(0), back = linger(0);
    CHECK_EQ(tcsetpgrp(slave, front), 0);
    CHECK_EQ(tcgetpgrp(slave), front);
    CHECK_EQ(write(master, "\3", 1), 1);
    CHECK_EQ(wait_status(front), SIGINT);
    CHECK_EQ(waitpid(back, NULL, WNOHANG), 0);
    kill(back, SIGKILL);
    CHECK_EQ(wait_status(back), SIGKILL);
}

IN_A_SESSION(all_of_the_group) {
    lead();
    pid_t a = linger(0), b = linger(a);
    CHECK_EQ(tcsetpgrp(slave, a), 0);
    CHECK_EQ(write(master, "\34", 1), 1);
    CHECK_EQ(wait_status(a) & 0x7f, SIGQUIT);
    CHECK_EQ(wait_status(b) & 0x7f, SIGQUIT);
}

IN_A_SESSION(suspend_and_continue) {
    int status;
    lead();
    pid_t front = linger(0);
    CHECK_EQ(tcsetpgrp(slave, front), 0);
    CHECK_EQ(write(master, "\32", 1), 1);
    CHECK_EQ(waitpid(front, &status, WUNTRACED), front);
    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP);
    // The leader is in the background now: taking the terminal back needs SIGTTOU ignored.
    signal(SIGTTOU, SIG_IGN);
    CHECK_EQ(tcsetpgrp(slave, getpid()), 0);
    CHECK_EQ(kill(front, SIGCONT), 0);
    CHECK_EQ(waitpid(front, &status, WCONTINUED), front);
    CHECK(WIFCONTINUED(status));
    kill(front, SIGKILL);
    CHECK_EQ(wait_status(front), SIGKILL);
}

// A background process: reads, writes or changes settings of descriptor 9.
ROLE(background) {
    char buf[4];
    struct termios t;
    const char *what = ktap_argv[2];
    MUST(setpgid(0, 0));
    if (strchr(what, 'i')) signal(SIGTTIN, SIG_IGN), signal(SIGTTOU, SIG_IGN);
    if (strchr(what, 'r')) _exit(read(9, buf, 4) == -1 ? errno : 0);
    if (strchr(what, 'w')) _exit(write(9, "w", 1) == -1 ? errno : 0);
    MUST(tcgetattr(9, &t));
    _exit(tcsetattr(9, TCSANOW, &t) == -1 ? errno : 0);
}

IN_A_SESSION(background_read) {
    int status;
    lead();
    dup2(slave, 9);
    pid_t pid = SPAWN("background", "r");
    CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTIN);
    CHECK_EQ(tcsetpgrp(slave, pid), 0);
    CHECK_EQ(kill(pid, SIGCONT), 0);
    CHECK_EQ(write(master, "a\n", 2), 2);
    CHECK_EQ(wait_status(pid), EXITED(0));
}

IN_A_SESSION(background_read_ignoring) {
    lead();
    dup2(slave, 9);
    CHECK_EQ(wait_status(SPAWN("background", "ir")), EXITED(EIO));
}

IN_A_SESSION(background_write) {
    int status;
    struct termios t;
    lead();
    dup2(slave, 9);
    CHECK_EQ(wait_status(SPAWN("background", "w")), EXITED(0));
    MUST(tcgetattr(slave, &t));
    t.c_lflag |= TOSTOP;
    MUST(tcsetattr(slave, TCSANOW, &t));
    CHECK_EQ(wait_status(SPAWN("background", "iw")), EXITED(0));
    pid_t pid = SPAWN("background", "w");
    CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTOU);
    CHECK_EQ(tcsetpgrp(slave, pid), 0);
    CHECK_EQ(kill(pid, SIGCONT), 0);
    CHECK_EQ(wait_status(pid), EXITED(0));
}

IN_A_SESSION(background_settings) {
    int status;
    lead();
    dup2(slave, 9);
    CHECK_EQ(wait_status(SPAWN("background", "is")), EXITED(0));
    pid_t pid = SPAWN("background", "s");
    CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTOU);
    kill(pid, SIGKILL);
    CHECK_EQ(wait_status(pid), SIGKILL);
}

static volatile int resized, hung_up, continued;
static void on_signal(int sig) {
    resized += sig == SIGWINCH;
    hung_up += sig == SIGHUP;
    continued += sig == SIGCONT;
}

IN_A_SESSION(window_size) {
    struct winsize w = {30, 100, 0, 0};
    signal(SIGWINCH, on_signal);
    lead();
    CHECK_EQ(ioctl(master, TIOCSWINSZ, &w), 0);
    CHECK_EQ(resized, 1);
    CHECK_EQ(ioctl(master, TIOCSWINSZ, &w), 0);
    CHECK_EQ(resized, 1);
    w.ws_col++;
    CHECK_EQ(ioctl(slave, TIOCSWINSZ, &w), 0);
    CHECK_EQ(resized, 2);
}

IN_A_SESSION(hang_up_by_the_master) {
    char c;
    signal(SIGHUP, on_signal);
    signal(SIGCONT, on_signal);
    lead();
    close(master);
    CHECK_EQ(hung_up, 1);
    CHECK_EQ(continued, 1);
    CHECK_EQ(read(slave, &c, 1), 0);
    CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);
}

IN_A_SESSION(given_up) {
    signal(SIGHUP, on_signal);
    signal(SIGCONT, on_signal);
    lead();
    CHECK_EQ(ioctl(slave, TIOCNOTTY, 0), 0);
    CHECK_EQ(hung_up, 1);
    CHECK_EQ(continued, 1);
    CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);
    CHECK_ERR(tcgetpgrp(slave), ENOTTY);
    CHECK_EQ(ioctl(slave, TIOCSCTTY, 0), 0);
}

// A leader on descriptor 8 (a slave) that leaves a child in the foreground behind.
ROLE(leaves) {
    MUST(setsid());
    MUST(ioctl(8, TIOCSCTTY, 0));
    pid_t pid = linger(0);
    signal(SIGTTOU, SIG_IGN);
    MUST(tcsetpgrp(8, pid));
    char text[16];
    int n = snprintf(text, sizeof text, "%d", pid);
    if (write(7, text, n) != n) _exit(97);
}
TEST(the_leaders_end) {
    char text[16] = "", c;
    int ends[2];
    open_pair();
    dup2(slave, 8);
    MUST(pipe(ends));
    dup2(ends[1], 7);
    close(ends[1]);
    pid_t pid = SPAWN("leaves");
    close(7);
    CHECK_EQ(wait_status(pid), EXITED(0));
    CHECK(read(ends[0], text, sizeof text - 1) > 0);
    // SIGHUP ends the foreground; who else has the terminal open goes on.
    CHECK_EQ(read(ends[0], &c, 1), 0);
    CHECK_EQ(write(slave, "x", 1), 1);
    CHECK_EQ(tcgetpgrp(master), 0);
    close(slave);
    close(8);
    close(master);
}

IN_A_SESSION(typed_by_ioctl) {
    char buf[4];
    lead();
    if (ioctl(slave, TIOCSTI, "\n") == -1 && errno == EIO) SKIP("dev.tty.legacy_tiocsti is 0 here");
    CHECK_EQ(read(slave, buf, 4), 1);
    CHECK_EQ(buf[0], '\n');
}
