// unlink() removes a name; the file lives until its last name and descriptor go; unlink(2).
// syscalls: unlink unlinkat
// build: static musl
#include "ktap.h"

static struct stat st;

TEST(name_gone_file_alive) {
    scratch();
    put_file("f", "alive");
    int fd = MUST(open("f", O_RDWR));
    CHECK_EQ(unlink("f"), 0);
    CHECK_ERR(stat("f", &st), ENOENT);
    char b[8] = {0};
    CHECK_EQ(read(fd, b, 8), 5);
    CHECK_EQ(write(fd, "!", 1), 1);
    CHECK_EQ(fstat(fd, &st), 0);
    CHECK_EQ(st.st_nlink, 0);
    CHECK_EQ(st.st_size, 6);
    put_file("f", "other");
    CHECK_EQ(pread(fd, b, 8, 0), 6);
    close(fd);
}

TEST(link_not_target) {
    MUST(symlink("f", "link"));
    CHECK_EQ(unlink("link"), 0);
    CHECK_EQ(stat("f", &st), 0);
}

TEST(mapped_file_stays_readable) {
    put_file("m", "mapped");
    int fd = MUST(open("m", O_RDONLY));
    char *p = MUST(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0));
    close(fd);
    CHECK_EQ(unlink("m"), 0);
    CHECK(strcmp(p, "mapped") == 0);
}

TEST(errors) {
    MUST(mkdir("d", 0755));
    CHECK_ERR(unlink("none"), ENOENT);
    CHECK_ERR(unlink("d"), EISDIR);
    CHECK_ERR(unlink("f/x"), ENOTDIR);
    CHECK_ERR(unlink(""), ENOENT);
}
