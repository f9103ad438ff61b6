// ^C, ^\ and ^Z reach the foreground group of the terminal as signals, unless ISIG is off; termios(3).
// syscalls: ioctl setsid
// needs: pty
#include "ktap.h"
#include <sys/ioctl.h>
#include <termios.h>

static volatile int last;
static void on_signal(int sig) { last = sig; }

ROLE(session) {
    int ready = atoi(ktap_argv[3]);
    char b[16];
    struct termios t;
    MUST(setsid());
    int tty = MUST(open(ktap_argv[2], O_RDWR));
    CHECK_EQ(tcgetpgrp(tty), getpid());
    CHECK_EQ(tcgetsid(tty), getpid());
    struct sigaction sa = {.sa_handler = on_signal};
    MUST(sigaction(SIGINT, &sa, NULL) | sigaction(SIGQUIT, &sa, NULL) | sigaction(SIGTSTP, &sa, NULL));
    MUST(write(ready, "x", 1));
    CHECK(EVENTUALLY(last == SIGINT));
    MUST(write(ready, "x", 1));
    CHECK(EVENTUALLY(last == SIGQUIT));
    MUST(write(ready, "x", 1));
    CHECK(EVENTUALLY(last == SIGTSTP));
    MUST(tcgetattr(tty, &t));
    t.c_lflag &= ~ISIG;
    MUST(tcsetattr(tty, TCSANOW, &t));
    last = 0;
    MUST(write(ready, "x", 1));
    CHECK_EQ(read(tty, b, 16), 2);
    CHECK(b[0] == 3 && b[1] == '\n');
    CHECK_EQ(last, 0);
}

TEST(keys) {
    int p[2], master = MUST(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    char number[8], c;
    MUST(unlockpt(master));
    MUST(pipe(p));
    snprintf(number, sizeof number, "%d", p[1]);
    pid_t pid = SPAWN("session", ptsname(master), number);
    close(p[1]);
    const char *keys[] = {"junk\003", "\034", "\032", "\003\n"};
    for (int i = 0; i < 4; i++) {
        if (read(p[0], &c, 1) != 1) break;
        MUST(write(master, keys[i], strlen(keys[i])));
    }
    CHECK_EQ(wait_status(pid), EXITED(0));
}
