// openpty(), login_tty-like set-up, TIOCGPTPEER, TIOCSTI-free reading of the device number; openpty(3).
// syscalls: ioctl
// needs: pty
#include "ktap.h"
#include <pty.h>
#include <sys/ioctl.h>

TEST(openpty_with_modes_and_size) {
    int master, slave;
    char name[64];
    struct winsize w = {10, 20, 0, 0}, seen;
    CHECK_EQ(openpty(&master, &slave, name, NULL, &w), 0);
    CHECK_EQ(ioctl(master, TIOCGWINSZ, &seen), 0);
    CHECK(seen.ws_row == 10 && seen.ws_col == 20);
    CHECK(strcmp(name, ttyname(slave)) == 0);
    char path[64], target[64] = {0};
    snprintf(path, sizeof path, "/proc/self/fd/%d", slave);
    MUST(readlink(path, target, sizeof target - 1));
    CHECK(strcmp(target, name) == 0);
}

TEST(peer_by_ioctl) {
    int master = MUST(posix_openpt(O_RDWR | O_NOCTTY));
    MUST(unlockpt(master));
    int slave = MUST(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY));
    char b[4];
    CHECK_EQ(write(slave, "hi", 2), 2);
    CHECK_EQ(read(master, b, 4), 2);
}

TEST(pairs_are_separate) {
    int m[5], s[5];
    char b[8];
    for (int i = 0; i < 5; i++) CHECK_EQ(openpty(&m[i], &s[i], NULL, NULL, NULL), 0);
    for (int i = 0; i < 5; i++) CHECK_EQ(write(s[i], &"abcde"[i], 1), 1);
    for (int i = 4; i >= 0; i--) {
        CHECK_EQ(read(m[i], b, 8), 1);
        CHECK_EQ(b[0], "abcde"[i]);
    }
}
