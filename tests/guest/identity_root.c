// The superuser takes any identity, loses its privilege with it, and files tell; setresuid(2).
// syscalls: setresuid setresgid setgroups setuid
// needs: root
#include "ktap.h"
#include <grp.h>

ROLE(become) {
    gid_t group = 1234, seen;
    uid_t r, e, s;
    CHECK_EQ(setgroups(1, &group), 0);
    CHECK_EQ(getgroups(1, &seen), 1);
    CHECK_EQ(seen, 1234);
    CHECK_EQ(setresgid(1001, 1002, 1003), 0);
    CHECK_EQ(setresuid(1001, 1002, 1003), 0);
    CHECK_EQ(getresuid(&r, &e, &s), 0);
    CHECK(r == 1001 && e == 1002 && s == 1003);
    CHECK_ERR(setuid(0), EPERM);
    CHECK_EQ(setresuid(-1, 1003, -1), 0);
    CHECK_EQ(geteuid(), 1003);
    struct stat st;
    MUST(chdir(ktap_argv[2]));
    put_file("open/mine", "x");
    MUST(stat("open/mine", &st));
    CHECK_EQ(st.st_uid, 1003);
    CHECK_EQ(st.st_gid, 1002);
    CHECK_ERR(open("closed", O_RDONLY), EACCES);
    CHECK_ERR(open("new", O_WRONLY | O_CREAT, 0600), EACCES);
    CHECK_ERR(kill(getppid(), 0), EPERM);
}

TEST(another_user) {
    if (geteuid() != 0) SKIP("needs root");
    scratch();
    put_file("closed", "secret");
    MUST(chmod("closed", 0600) | chmod(".", 0755) | mkdir("open", 0777) | chmod("open", 0777));
    CHECK_EQ(wait_status(SPAWN("become", scratch_path)), EXITED(0));
}

TEST(saved_id_brings_back) {
    if (geteuid() != 0) SKIP("needs root");
    CHECK_EQ(setresuid(-1, 1001, 0), 0);
    CHECK_EQ(geteuid(), 1001);
    CHECK_EQ(setresuid(-1, 0, -1), 0);
    CHECK_EQ(geteuid(), 0);
}
