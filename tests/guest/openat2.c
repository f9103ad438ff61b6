// openat2() restricts how a path may resolve: beneath, in root, no links, no magic links, no crossing; openat2(2).
// syscalls: openat2
#include "ktap.h"
#include <linux/openat2.h>

static int at(int dir, const char *path, int flags, uint64_t resolve) {
    struct open_how how = {.flags = flags, .resolve = resolve};
    return syscall(SYS_openat2, dir, path, &how, sizeof how);
}
static int d;

TEST(plain) {
    scratch();
    MUST(mkdir("d", 0755) | mkdir("d/sub", 0755));
    put_file("d/f", "inside");
    put_file("out", "outside");
    MUST(symlink("../out", "d/up") | symlink("/f", "d/absolute") | symlink("f", "d/link"));
    d = MUST(open("d", O_RDONLY | O_DIRECTORY));
    int fd = at(d, "f", O_RDONLY, 0);
    CHECK(fd >= 0);
    close(fd);
}

TEST(beneath) {
    CHECK_ERR(at(d, "../out", O_RDONLY, RESOLVE_BENEATH), EXDEV);
    CHECK_ERR(at(d, "/etc", O_RDONLY, RESOLVE_BENEATH), EXDEV);
    CHECK_ERR(at(d, "up", O_RDONLY, RESOLVE_BENEATH), EXDEV);
    CHECK_ERR(at(d, "absolute", O_RDONLY, RESOLVE_BENEATH), EXDEV);
    CHECK(at(d, "sub/../f", O_RDONLY, RESOLVE_BENEATH) >= 0);
    CHECK(at(d, "link", O_RDONLY, RESOLVE_BENEATH) >= 0);
}

TEST(in_root) {
    CHECK(at(d, "absolute", O_RDONLY, RESOLVE_IN_ROOT) >= 0);
    CHECK(at(d, "/../../f", O_RDONLY, RESOLVE_IN_ROOT) >= 0);
    CHECK_ERR(at(d, "up", O_RDONLY, RESOLVE_IN_ROOT), ENOENT);
}

TEST(no_links) {
    CHECK_ERR(at(d, "link", O_RDONLY, RESOLVE_NO_SYMLINKS), ELOOP);
    CHECK_ERR(at(AT_FDCWD, "/proc/self/exe", O_RDONLY, RESOLVE_NO_MAGICLINKS), ELOOP);
    CHECK(at(d, "link", O_RDONLY, RESOLVE_NO_MAGICLINKS) >= 0);
}

TEST(no_crossing) { CHECK_ERR(at(AT_FDCWD, "/proc/version", O_RDONLY, RESOLVE_NO_XDEV), EXDEV); }

TEST(strict_about_arguments) {
    struct open_how how = {.flags = O_RDONLY, .mode = 0600};
    CHECK_ERR(syscall(SYS_openat2, d, "f", &how, sizeof how), EINVAL);
    CHECK_ERR(at(d, "f", 1 << 30, 0), EINVAL);
    CHECK_ERR(at(d, "f", O_RDONLY, 1 << 20), EINVAL);
    CHECK_ERR(syscall(SYS_openat2, d, "f", &how, 8), EINVAL);
    struct { struct open_how how; uint64_t more; } big = {{.flags = O_RDONLY}, 1};
    CHECK_ERR(syscall(SYS_openat2, d, "f", &big, sizeof big), E2BIG);
    big.more = 0;
    CHECK(syscall(SYS_openat2, d, "f", &big, sizeof big) >= 0);
}
