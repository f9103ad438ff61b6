// O_CREAT, O_EXCL, O_TRUNC, O_DIRECTORY, O_NOFOLLOW and the access modes; open(2).
// syscalls: openat creat
// build: static musl
#include "ktap.h"

TEST(create_and_exclusive) {
    scratch();
    int fd = open("f", O_WRONLY | O_CREAT | O_EXCL, 0600);
    CHECK(fd >= 0);
    CHECK_EQ(write(fd, "text", 4), 4);
    close(fd);
    CHECK_ERR(open("f", O_WRONLY | O_CREAT | O_EXCL, 0600), EEXIST);
    CHECK((fd = open("f", O_RDONLY | O_CREAT, 0600)) >= 0);
    close(fd);
    MUST(symlink("nowhere", "dangling"));
    CHECK_ERR(open("dangling", O_WRONLY | O_CREAT | O_EXCL, 0600), EEXIST);
    CHECK((fd = open("dangling", O_WRONLY | O_CREAT, 0600)) >= 0);
    close(fd);
    CHECK_EQ(access("nowhere", F_OK), 0);
}

TEST(truncate) {
    int fd = MUST(open("f", O_WRONLY | O_TRUNC));
    struct stat st;
    MUST(fstat(fd, &st));
    CHECK_EQ(st.st_size, 0);
    close(fd);
    put_file("f", "again");
    fd = MUST(syscall(SYS_creat, "f", 0600));
    MUST(fstat(fd, &st));
    CHECK_EQ(st.st_size, 0);
    char c;
    CHECK_ERR(read(fd, &c, 1), EBADF);
    close(fd);
}

TEST(directories) {
    MUST(mkdir("d", 0755));
    CHECK_ERR(open("d", O_WRONLY), EISDIR);
    CHECK_ERR(open("d", O_RDWR), EISDIR);
    CHECK_ERR(open("d", O_RDONLY | O_CREAT, 0600), EISDIR);
    CHECK_ERR(open("f", O_RDONLY | O_DIRECTORY), ENOTDIR);
    CHECK_ERR(open("f/x", O_RDONLY), ENOTDIR);
    CHECK_ERR(open("f/", O_RDONLY), ENOTDIR);
    CHECK_ERR(open("none", O_RDONLY), ENOENT);
    CHECK_ERR(open("none/x", O_WRONLY | O_CREAT, 0600), ENOENT);
    CHECK_ERR(open("", O_RDONLY), ENOENT);
}

TEST(links) {
    MUST(symlink("f", "link"));
    CHECK_ERR(open("link", O_RDONLY | O_NOFOLLOW), ELOOP);
    int fd = MUST(open("link", O_RDONLY));
    close(fd);
    MUST(symlink("b", "a") | symlink("a", "b"));
    CHECK_ERR(open("a", O_RDONLY), ELOOP);
}

TEST(lowest_free_number) {
    int a = MUST(open("f", O_RDONLY)), b = MUST(open("f", O_RDONLY));
    CHECK_EQ(b, a + 1);
    close(a);
    CHECK_EQ(open("f", O_RDONLY), a);
    close(a);
    close(b);
}

TEST(name_too_long) {
    char name[300], path[5000];
    memset(name, 'n', 256);
    name[256] = 0;
    CHECK_ERR(open(name, O_RDONLY), ENAMETOOLONG);
    memset(path, '/', 4096);
    path[4096] = 0;
    CHECK_ERR(open(path, O_RDONLY), ENAMETOOLONG);
    CHECK_ERR(open((char *)8, O_RDONLY), EFAULT);
}
