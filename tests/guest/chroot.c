// chroot() makes a directory the root: absolute paths, links and .. stay inside; superuser only; chroot(2).
// syscalls: chroot
// needs: root
#include "ktap.h"

ROLE(inside) {
    struct stat a, b;
    char text[16] = {0}, here[64];
    MUST(chdir(ktap_argv[2]));
    CHECK_EQ(chroot("jail"), 0);
    CHECK_EQ(chdir("/"), 0);
    int fd = MUST(open("/f", O_RDONLY));
    CHECK_EQ(read(fd, text, 16), 6);
    CHECK_EQ(access("/link", F_OK), 0);
    CHECK_EQ(access("/../../f", F_OK), 0);
    CHECK_EQ(access("/etc", F_OK), -1);
    MUST(stat("/", &a) | stat("/..", &b));
    CHECK_EQ(a.st_ino, b.st_ino);
    CHECK(strcmp(getcwd(here, sizeof here), "/") == 0);
}

TEST(jail) {
    if (geteuid() != 0) SKIP("needs root");
    scratch();
    MUST(mkdir("jail", 0755));
    put_file("jail/f", "jailed");
    MUST(symlink("/f", "jail/link"));
    CHECK_EQ(wait_status(SPAWN("inside", scratch_path)), EXITED(0));
}

TEST(errors) {
    scratch();
    put_file("plain", "");
    CHECK_ERR(chroot("none"), ENOENT);
    CHECK_ERR(chroot("plain"), ENOTDIR);
    if (geteuid() != 0) CHECK_ERR(chroot("."), EPERM);
}
