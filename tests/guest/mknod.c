// mknod() makes plain files and FIFOs; devices need privilege; mknod(2).
// syscalls: mknod mknodat
#include "ktap.h"

static struct stat st;

TEST(plain_and_fifo) {
    scratch();
    umask(022);
    CHECK_EQ(syscall(SYS_mknod, "f", S_IFREG | 0666, 0), 0);
    MUST(stat("f", &st));
    CHECK_EQ(st.st_mode, S_IFREG | 0644);
    CHECK_EQ(mknod("zero-type", 0600, 0), 0);
    MUST(stat("zero-type", &st));
    CHECK(S_ISREG(st.st_mode));
    CHECK_EQ(mknod("p", S_IFIFO | 0600, 0), 0);
    MUST(stat("p", &st));
    CHECK(S_ISFIFO(st.st_mode));
    CHECK_EQ(mknod("s", S_IFSOCK | 0600, 0), 0);
    MUST(stat("s", &st));
    CHECK(S_ISSOCK(st.st_mode));
    CHECK_ERR(open("s", O_RDONLY), ENXIO);
}

TEST(errors) {
    CHECK_ERR(mknod("f", S_IFREG | 0600, 0), EEXIST);
    CHECK_ERR(mknod("d", S_IFDIR | 0600, 0), EPERM);
    CHECK_ERR(mknod("none/f", S_IFREG | 0600, 0), ENOENT);
    if (geteuid() != 0) CHECK_ERR(mknod("null", S_IFCHR | 0600, 0x103), EPERM);
}
