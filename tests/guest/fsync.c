// fsync and its kin succeed on files and are refused on pipes; fsync(2).
// syscalls: fsync fdatasync syncfs sync_file_range fadvise64 readahead
#include "ktap.h"

TEST(file) {
    scratch();
    int fd = MUST(open("f", O_RDWR | O_CREAT, 0600));
    MUST(write(fd, "text", 4));
    CHECK_EQ(fsync(fd), 0);
    CHECK_EQ(fdatasync(fd), 0);
    CHECK_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL), 0);
    CHECK_EQ(posix_fadvise(fd, 0, 0, 99), EINVAL);
    CHECK_EQ(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE), 0);
    CHECK_EQ(readahead(fd, 0, 4096), 0);
    CHECK(strcmp(get_file("f"), "text") == 0);
}

TEST(directory) {
    int fd = MUST(open(".", O_RDONLY));
    CHECK_EQ(fsync(fd), 0);
}

TEST(errors) {
    int p[2];
    MUST(pipe(p));
    CHECK_ERR(fsync(p[0]), EINVAL);
    CHECK_ERR(fdatasync(p[0]), EINVAL);
    CHECK_EQ(posix_fadvise(p[0], 0, 0, POSIX_FADV_SEQUENTIAL), ESPIPE);
    CHECK_ERR(fsync(-1), EBADF);
    CHECK_ERR(syncfs(-1), EBADF);
}
