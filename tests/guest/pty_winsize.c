// The window size is kept, seen from both ends, and its change signals the foreground group; tty_ioctl(4).
// syscalls: ioctl
// needs: pty
#include "ktap.h"
#include <sys/ioctl.h>
#include <termios.h>

static int master;

TEST(set_and_get) {
    struct winsize w = {24, 80, 5, 6}, seen = {9, 9, 9, 9};
    master = MUST(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    MUST(unlockpt(master));
    int slave = MUST(open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC));
    CHECK_EQ(ioctl(slave, TIOCGWINSZ, &seen), 0);
    CHECK(seen.ws_row == 0 && seen.ws_col == 0);
    CHECK_EQ(ioctl(master, TIOCSWINSZ, &w), 0);
    CHECK_EQ(ioctl(slave, TIOCGWINSZ, &seen), 0);
    CHECK(memcmp(&w, &seen, sizeof w) == 0);
    CHECK_ERR(ioctl(slave, TIOCGWINSZ, (void *)8), EFAULT);
}

static volatile int calls;
static void on_signal(int sig) { (void)sig, calls++; }
ROLE(session) {
    struct winsize w;
    int ready = atoi(ktap_argv[3]);
    signal(SIGWINCH, on_signal);
    MUST(setsid());
    int tty = MUST(open(ktap_argv[2], O_RDWR));
    MUST(write(ready, "x", 1));
    CHECK(EVENTUALLY(calls == 1));
    CHECK_EQ(ioctl(tty, TIOCGWINSZ, &w), 0);
    CHECK(w.ws_row == 50 && w.ws_col == 132);
}
TEST(change_signals_the_session) {
    int p[2];
    char number[8], c;
    struct winsize w = {50, 132, 0, 0};
    MUST(pipe(p));
    snprintf(number, sizeof number, "%d", p[1]);
    pid_t pid = SPAWN("session", ptsname(master), number);
    CHECK_EQ(read(p[0], &c, 1), 1);
    CHECK_EQ(ioctl(master, TIOCSWINSZ, &w), 0);
    CHECK_EQ(ioctl(master, TIOCSWINSZ, &w), 0);
    CHECK_EQ(wait_status(pid), EXITED(0));
}
