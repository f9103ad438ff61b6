// chdir, fchdir and getcwd; the directory may move or vanish below one's feet; chdir(2), getcwd(2).
// syscalls: chdir fchdir getcwd
// build: static musl
#include "ktap.h"

static char b[4096], want[128];

TEST(there_and_back) {
    scratch();
    MUST(mkdir("d", 0755) | mkdir("d/e", 0755));
    CHECK_EQ(chdir("d/e"), 0);
    snprintf(want, sizeof want, "%s/d/e", scratch_path);
    CHECK_EQ(syscall(SYS_getcwd, b, sizeof b), strlen(want) + 1);
    CHECK(strcmp(b, want) == 0);
    CHECK_EQ(chdir("../.."), 0);
    CHECK(strcmp(getcwd(b, sizeof b), scratch_path) == 0);
}

TEST(by_descriptor) {
    int fd = MUST(open("d", O_RDONLY));
    CHECK_EQ(fchdir(fd), 0);
    CHECK_EQ(access("e", F_OK), 0);
    CHECK_EQ(chdir(scratch_path), 0);
}

TEST(through_a_link_shows_the_real_path) {
    MUST(symlink("d/e", "link"));
    CHECK_EQ(chdir("link"), 0);
    CHECK(strcmp(getcwd(b, sizeof b), want) == 0);
    CHECK_EQ(chdir(".."), 0);
    CHECK_EQ(access("e", F_OK), 0);
    CHECK_EQ(chdir(scratch_path), 0);
}

TEST(renamed_and_removed) {
    CHECK_EQ(chdir("d/e"), 0);
    MUST(rename("../../d", "../../D"));
    snprintf(want, sizeof want, "%s/D/e", scratch_path);
    CHECK(strcmp(getcwd(b, sizeof b), want) == 0);
    MUST(rmdir("../../D/e"));
    CHECK_ERR((long)syscall(SYS_getcwd, b, sizeof b), ENOENT);
    CHECK_ERR(open("new", O_CREAT | O_WRONLY, 0600), ENOENT);
    CHECK_EQ(chdir(scratch_path), 0);
}

TEST(errors) {
    put_file("f", "");
    CHECK_ERR(chdir("none"), ENOENT);
    CHECK_ERR(chdir("f"), ENOTDIR);
    CHECK_ERR(fchdir(MUST(open("f", O_RDONLY))), ENOTDIR);
    CHECK_ERR(syscall(SYS_getcwd, b, 3), ERANGE);
    CHECK_ERR(syscall(SYS_getcwd, (void *)8, 4096), EFAULT);
}
