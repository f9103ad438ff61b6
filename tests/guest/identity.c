// The caller's ids are consistent; unprivileged changes are limited; getuid(2), setresuid(2), getgroups(2).
// syscalls: getuid geteuid getgid getegid getresuid getresgid getgroups setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid
// build: static musl
#include "ktap.h"
#include <grp.h>
#include <sys/fsuid.h>

TEST(consistent) {
    uid_t r, e, s;
    gid_t gr, ge, gs;
    CHECK_EQ(getresuid(&r, &e, &s), 0);
    CHECK(r == getuid() && e == geteuid() && s == geteuid());
    CHECK_EQ(getresgid(&gr, &ge, &gs), 0);
    CHECK(gr == getgid() && ge == getegid() && gs == getegid());
    CHECK_EQ(setfsuid(-1), geteuid());
    CHECK_EQ(setfsgid(-1), getegid());
}

TEST(groups) {
    gid_t list[1024];
    int n = getgroups(0, NULL);
    CHECK(n >= 0);
    CHECK_EQ(getgroups(1024, list), n);
    CHECK_ERR(getgroups(-1, list), EINVAL);
    if (n > 1) CHECK_ERR(getgroups(1, list), EINVAL);
}

TEST(to_oneself_is_allowed) {
    CHECK_EQ(setuid(geteuid()), 0);
    CHECK_EQ(setgid(getegid()), 0);
    CHECK_EQ(setreuid(-1, -1), 0);
    CHECK_EQ(setregid(-1, -1), 0);
    CHECK_EQ(setresuid(-1, geteuid(), -1), 0);
    CHECK_EQ(setresgid(-1, getegid(), -1), 0);
}

TEST(others_need_privilege) {
    if (geteuid() == 0) SKIP("is privileged");
    CHECK_ERR(setuid(0), EPERM);
    CHECK_ERR(setgid(0), EPERM);
    CHECK_ERR(setresuid(0, 0, 0), EPERM);
    CHECK_ERR(setgroups(0, NULL), EPERM);
}
