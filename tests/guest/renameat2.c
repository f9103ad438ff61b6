// RENAME_NOREPLACE refuses an existing target, RENAME_EXCHANGE swaps two names; rename(2).
// syscalls: renameat2
#include "ktap.h"

static int ren(const char *from, const char *to, unsigned flags) { return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags); }

TEST(noreplace) {
    scratch();
    put_file("a", "A");
    put_file("b", "B");
    CHECK_ERR(ren("a", "b", RENAME_NOREPLACE), EEXIST);
    CHECK(strcmp(get_file("b"), "B") == 0);
    CHECK_EQ(ren("a", "c", RENAME_NOREPLACE), 0);
    CHECK(strcmp(get_file("c"), "A") == 0);
}

TEST(exchange) {
    MUST(mkdir("d", 0755));
    put_file("d/in", "");
    CHECK_EQ(ren("b", "d", RENAME_EXCHANGE), 0);
    CHECK(strcmp(get_file("d"), "B") == 0);
    CHECK_EQ(access("b/in", F_OK), 0);
    CHECK_ERR(ren("c", "none", RENAME_EXCHANGE), ENOENT);
}

TEST(no_flags_is_rename) {
    CHECK_EQ(ren("c", "d", 0), 0);
    CHECK(strcmp(get_file("d"), "A") == 0);
}

TEST(errors) {
    CHECK_ERR(ren("d", "x", RENAME_NOREPLACE | RENAME_EXCHANGE), EINVAL);
    CHECK_ERR(ren("d", "x", 1 << 10), EINVAL);
}
