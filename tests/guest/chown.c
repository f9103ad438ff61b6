// Ownership: -1 leaves alone, the superuser may give files away, others may not; chown(2).
// syscalls: chown fchown lchown fchownat
// build: static musl
#include "ktap.h"

static struct stat st;

TEST(minus_one_changes_nothing) {
    scratch();
    put_file("f", "");
    CHECK_EQ(chown("f", -1, -1), 0);
    CHECK_EQ(chown("f", geteuid(), getegid()), 0);
    MUST(stat("f", &st));
    CHECK_EQ(st.st_uid, geteuid());
}

TEST(giving_away) {
    int fd = MUST(open("f", O_RDONLY));
    MUST(symlink("f", "link"));
    if (geteuid() == 0) {
        CHECK_EQ(chown("f", 1000, 1001), 0);
        MUST(stat("f", &st));
        CHECK(st.st_uid == 1000 && st.st_gid == 1001);
        CHECK_EQ(fchown(fd, 5, -1), 0);
        MUST(stat("f", &st));
        CHECK(st.st_uid == 5 && st.st_gid == 1001);
        CHECK_EQ(lchown("link", 7, 7), 0);
        MUST(stat("f", &st));
        CHECK_EQ(st.st_uid, 5);
        MUST(lstat("link", &st));
        CHECK_EQ(st.st_uid, 7);
    } else {
        CHECK_ERR(chown("f", 0, -1), EPERM);
        CHECK_ERR(fchown(fd, 0, -1), EPERM);
        CHECK_ERR(lchown("link", 0, -1), EPERM);
    }
}

TEST(set_id_bits_are_dropped) {
    put_file("g", "");
    MUST(chmod("g", 06755));
    CHECK_EQ(chown("g", geteuid(), getegid()), 0);
    MUST(stat("g", &st));
    CHECK_EQ(st.st_mode & 07777, 0755);
}

TEST(errors) {
    CHECK_ERR(chown("none", -1, -1), ENOENT);
    CHECK_ERR(fchown(-1, -1, -1), EBADF);
    CHECK_ERR(fchownat(AT_FDCWD, "f", -1, -1, 1), EINVAL);
}
