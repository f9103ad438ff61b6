// Background groups get SIGTTIN for reading and SIGTTOU for writing with TOSTOP; tcsetpgrp moves the foreground; tcsetpgrp(3).
// syscalls: ioctl setpgid
// needs: pty
#include "ktap.h"
#include <sys/ioctl.h>
#include <termios.h>

ROLE(reader) {
    char c;
    _exit(read(0, &c, 1) == 1 ? c : errno);
}
ROLE(writer) { _exit(write(0, "out", 3) == 3 ? 9 : errno); }
ROLE(ignoring_reader) {
    char c;
    signal(SIGTTIN, SIG_IGN);
    _exit(read(0, &c, 1) == -1 ? errno : 0);
}
ROLE(set_foreground) { _exit(tcsetpgrp(0, getpgrp()) == 0 ? 9 : errno); }

static pid_t in_own_group(const char *role) {
    pid_t pid = vfork();
    if (pid == 0) {
        setpgid(0, 0);
        execl("/proc/self/exe", "guest", role, NULL);
        _exit(127);
    }
    return pid;
}

ROLE(shell) {
    int status;
    struct termios t;
    MUST(setsid());
    close(0);
    CHECK_EQ(open(ktap_argv[2], O_RDWR), 0);
    int master = atoi(ktap_argv[3]);

    pid_t pid = in_own_group("reader");
    CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
    CHECK(WIFSTOPPED(status));
    CHECK_EQ(WSTOPSIG(status), SIGTTIN);
    MUST(tcsetpgrp(0, pid));
    MUST(write(master, "K\n", 2));
    MUST(kill(-pid, SIGCONT));
    CHECK_EQ(wait_status(pid), EXITED('K'));

    signal(SIGTTOU, SIG_IGN);
    MUST(tcsetpgrp(0, getpgrp()));
    CHECK_EQ(tcgetpgrp(0), getpgrp());
    CHECK_EQ(wait_status(in_own_group("writer")), EXITED(9));
    MUST(tcgetattr(0, &t));
    t.c_lflag |= TOSTOP;
    MUST(tcsetattr(0, TCSANOW, &t));
    signal(SIGTTOU, SIG_DFL);
    pid = in_own_group("writer");
    CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
    CHECK_EQ(status, SIGTTOU << 8 | 0x7f);
    kill(pid, SIGKILL);
    CHECK_EQ(wait_status(pid), SIGKILL);

    CHECK_EQ(wait_status(in_own_group("ignoring_reader")), EXITED(EIO));
    pid = in_own_group("set_foreground");
    CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
    CHECK_EQ(status, SIGTTOU << 8 | 0x7f);
    kill(pid, SIGKILL);
    CHECK_EQ(wait_status(pid), SIGKILL);
    CHECK_ERR(tcsetpgrp(0, 999999999), ESRCH);
}

TEST(shell_and_jobs) {
    char number[8];
    int master = MUST(posix_openpt(O_RDWR | O_NOCTTY));
    MUST(unlockpt(master));
    snprintf(number, sizeof number, "%d", master);
    CHECK_EQ(wait_status(SPAWN("shell", ptsname(master), number)), EXITED(0));
}
