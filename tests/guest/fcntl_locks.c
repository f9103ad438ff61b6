// Record locks conflict between processes, split and join, and end with any close; fcntl_locking(2).
// syscalls: fcntl
#include "ktap.h"

static int fd;
static int set(int type, int start, int length, int cmd) {
    struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    return fcntl(fd, cmd, &l) == -1 ? errno : 0;
}

// argv[2] says what is expected for each of the bytes 0..9: '.' free, 'r' read-locked, 'w' write-locked.
ROLE(probe) {
    fd = MUST(open("f", O_RDWR));
    for (int i = 0; i < 10; i++) {
        struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = i, .l_len = 1};
        MUST(fcntl(fd, F_GETLK, &l));
        char found = l.l_type == F_UNLCK ? '.' : l.l_type == F_RDLCK ? 'r' : 'w';
        CHECK_EQ(found, ktap_argv[2][i]);
        if (found != '.') CHECK_EQ(l.l_pid, getppid());
        if (found == 'w') CHECK_EQ(set(F_RDLCK, i, 1, F_SETLK), EAGAIN);
        if (found == 'r') CHECK_EQ(set(F_WRLCK, i, 1, F_SETLK), EAGAIN);
    }
}
#define CHECK_SEEN(map) CHECK_EQ(wait_status(SPAWN("probe", map)), EXITED(0))

TEST(split_and_join) {
    scratch();
    put_file("f", "0123456789");
    fd = MUST(open("f", O_RDWR));
    CHECK_SEEN("..........");
    CHECK_EQ(set(F_WRLCK, 0, 10, F_SETLK), 0);
    CHECK_SEEN("wwwwwwwwww");
    CHECK_EQ(set(F_UNLCK, 3, 2, F_SETLK), 0);
    CHECK_SEEN("www..wwwww");
    CHECK_EQ(set(F_RDLCK, 1, 6, F_SETLK), 0);
    CHECK_SEEN("wrrrrrrwww");
    CHECK_EQ(set(F_UNLCK, 8, 0, F_SETLK), 0);
    CHECK_SEEN("wrrrrrrw..");
}

TEST(own_locks_do_not_conflict) { CHECK_EQ(set(F_WRLCK, 0, 0, F_SETLK), 0); }

TEST(any_close_drops_all) {
    int other = MUST(open("f", O_RDONLY));
    close(other);
    CHECK_SEEN("..........");
}

ROLE(take) {
    fd = MUST(open("f", O_RDWR));
    CHECK_EQ(set(F_WRLCK, 0, 0, F_SETLK), 0);
    MUST(write(atoi(ktap_argv[2]), "x", 1));
    sleep_ms(20);
}
TEST(waiting_until_the_owner_ends) {
    int p[2];
    char number[8], c;
    MUST(pipe(p));
    snprintf(number, sizeof number, "%d", p[1]);
    pid_t pid = SPAWN("take", number);
    MUST(read(p[0], &c, 1));
    CHECK_EQ(set(F_WRLCK, 0, 0, F_SETLK), EAGAIN);
    CHECK_EQ(set(F_WRLCK, 0, 0, F_SETLKW), 0);
    CHECK_EQ(wait_status(pid), EXITED(0));
}

TEST(errors) {
    int r = MUST(open("f", O_RDONLY)), save = fd;
    fd = r;
    CHECK_EQ(set(F_WRLCK, 0, 1, F_SETLK), EBADF);
    CHECK_EQ(set(F_RDLCK, -5, 1, F_SETLK), EINVAL);
    CHECK_EQ(set(77, 0, 1, F_SETLK), EINVAL);
    fd = save;
}
