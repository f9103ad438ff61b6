// getdents64() lists every entry once with type and inode, resumes, and rewinds; getdents(2).
// syscalls: getdents64 getdents lseek
// build: static musl
#include "ktap.h"

enum { COUNT = 300 };
static int seen[COUNT];

TEST(every_entry_once) {
    scratch();
    char name[16];
    MUST(mkdir("d", 0755));
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "d/%d", i);
        put_file(name, "");
    }
    int fd = MUST(open("d", O_RDONLY | O_DIRECTORY)), dots = 0, calls = 0;
    char b[1024];
    for (int n; (n = MUST(syscall(SYS_getdents64, fd, b, sizeof b))) > 0; calls++)
        for (int at = 0; at < n;) {
            struct dirent64 *e = (void *)(b + at);
            if (e->d_name[0] == '.') {
                dots++;
                CHECK_EQ(e->d_type, DT_DIR);
            } else {
                CHECK(e->d_type == DT_REG);
                CHECK(e->d_ino != 0);
                seen[atoi(e->d_name)]++;
            }
            CHECK_EQ(e->d_reclen % 8, 0);
            at += e->d_reclen;
        }
    for (int i = 0; i < COUNT; i++) CHECK_EQ(seen[i], 1);
    CHECK_EQ(dots, 2);
    CHECK(calls > 5);
    CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
    CHECK(syscall(SYS_getdents64, fd, b, sizeof b) > 0);
}

TEST(old_layout) {
    int fd = MUST(open("d", O_RDONLY));
    char b[256];
    CHECK(syscall(SYS_getdents, fd, b, sizeof b) > 0);
}

TEST(types_and_inodes) {
    MUST(mkdir("t", 0755) | mkdir("t/dir", 0755) | symlink("x", "t/link") | mkfifo("t/fifo", 0600));
    DIR *d = opendir("t");
    struct stat st;
    char path[300];
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "t/%s", e->d_name);
        MUST(lstat(path, &st));
        CHECK_EQ(e->d_ino, st.st_ino);
        CHECK_EQ(e->d_type, (st.st_mode & S_IFMT) >> 12);
    }
    closedir(d);
}

TEST(removed_directory_is_empty) {
    MUST(mkdir("gone", 0755));
    char b[256];
    int fd = MUST(open("gone", O_RDONLY));
    MUST(rmdir("gone"));
    CHECK_ERR(syscall(SYS_getdents64, fd, b, sizeof b), ENOENT);
}

TEST(errors) {
    char b[256];
    int fd = MUST(open("d", O_RDONLY)), f = MUST(open("d/1", O_RDONLY));
    CHECK_ERR(syscall(SYS_getdents64, fd, b, 8), EINVAL);
    CHECK_ERR(syscall(SYS_getdents64, f, b, sizeof b), ENOTDIR);
    CHECK_ERR(syscall(SYS_getdents64, fd, (void *)8, 1000), EFAULT);
}
