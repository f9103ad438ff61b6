// access() answers for existence, reading, writing, executing; the superuser is told apart; access(2).
// syscalls: access faccessat faccessat2
// build: static musl
#include "ktap.h"

TEST(own_file) {
    scratch();
    put_file("f", "");
    MUST(chmod("f", 0600));
    CHECK_EQ(syscall(SYS_access, "f", F_OK), 0);
    CHECK_EQ(syscall(SYS_access, "f", R_OK | W_OK), 0);
    CHECK_ERR(syscall(SYS_access, "f", X_OK), EACCES);
    MUST(chmod("f", 0700));
    CHECK_EQ(access("f", X_OK), 0);
}

TEST(permission_refused) {
    MUST(chmod("f", 0));
    if (geteuid() == 0) {
        CHECK_EQ(access("f", R_OK | W_OK), 0);
        CHECK_ERR(access("f", X_OK), EACCES);
    } else {
        CHECK_ERR(access("f", R_OK), EACCES);
        CHECK_ERR(access("f", W_OK), EACCES);
        CHECK_ERR(open("f", O_RDONLY), EACCES);
    }
}

TEST(directory_without_search) {
    MUST(mkdir("d", 0755));
    put_file("d/f", "");
    MUST(chmod("d", 0600));
    if (geteuid() == 0)
        CHECK_EQ(access("d/f", F_OK), 0);
    else
        CHECK_ERR(access("d/f", F_OK), EACCES);
    MUST(chmod("d", 0700));
}

TEST(at_variants) {
    MUST(symlink("nowhere", "dangling"));
    CHECK_EQ(syscall(SYS_faccessat, AT_FDCWD, "d", X_OK), 0);
    CHECK_EQ(syscall(SYS_faccessat2, AT_FDCWD, "d", X_OK, AT_EACCESS), 0);
    CHECK_ERR(syscall(SYS_faccessat, AT_FDCWD, "dangling", F_OK), ENOENT);
    CHECK_EQ(syscall(SYS_faccessat2, AT_FDCWD, "dangling", F_OK, AT_SYMLINK_NOFOLLOW), 0);
    CHECK_ERR(syscall(SYS_faccessat2, AT_FDCWD, "d", X_OK, 0x4000), EINVAL);
}

TEST(errors) {
    CHECK_ERR(access("none", F_OK), ENOENT);
    CHECK_ERR(access("f/x", F_OK), ENOTDIR);
    CHECK_ERR(syscall(SYS_access, "f", 8), EINVAL);
    CHECK_ERR(access((char *)8, F_OK), EFAULT);
}
