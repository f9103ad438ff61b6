// Sticky directories protect others' files; search permission is needed on the way; path_resolution(7).
// syscalls: unlink rename openat
// needs: root
#include "ktap.h"

ROLE(stranger) {
    MUST(chdir(ktap_argv[2]));
    MUST(setgid(4242) | setuid(4242));
    CHECK_ERR(unlink("sticky/theirs"), EPERM);
    CHECK_ERR(rename("sticky/theirs", "sticky/x"), EPERM);
    put_file("sticky/mine", "");
    CHECK_EQ(unlink("sticky/mine"), 0);
    CHECK_ERR(open("locked/f", O_RDONLY), EACCES);
    CHECK_ERR(access("locked/f", F_OK), EACCES);
    CHECK_ERR(chmod("sticky/theirs", 0666), EPERM);
    CHECK_ERR(truncate("sticky/theirs", 0), EACCES);
    CHECK_EQ(access("sticky/theirs", R_OK), 0);
    CHECK_ERR(mkdir("new", 0700), EACCES);
}

TEST(another_user) {
    if (geteuid() != 0) SKIP("needs root");
    scratch();
    MUST(chmod(".", 0755) | mkdir("sticky", 0777) | chmod("sticky", 01777) | mkdir("locked", 0700));
    put_file("sticky/theirs", "text");
    put_file("locked/f", "");
    CHECK_EQ(wait_status(SPAWN("stranger", scratch_path)), EXITED(0));
}
