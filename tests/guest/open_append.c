// O_APPEND writes go to the end wherever the position is; open(2).
// syscalls: write lseek fcntl
#include "ktap.h"

TEST(always_at_the_end) {
    scratch();
    put_file("f", "start");
    int fd = MUST(open("f", O_RDWR | O_APPEND));
    CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
    CHECK_EQ(write(fd, "+1", 2), 2);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 7);
    CHECK(strcmp(get_file("f"), "start+1") == 0);
    int other = MUST(open("f", O_WRONLY | O_APPEND));
    CHECK_EQ(write(other, "+2", 2), 2);
    CHECK_EQ(write(fd, "+3", 2), 2);
    CHECK(strcmp(get_file("f"), "start+1+2+3") == 0);
}

TEST(pwrite_appends_too) {
    int fd = MUST(open("f", O_WRONLY | O_APPEND));
    CHECK_EQ(pwrite(fd, "!", 1, 0), 1);
    CHECK(strcmp(get_file("f"), "start+1+2+3!") == 0);
}

TEST(can_be_switched) {
    int fd = MUST(open("f", O_WRONLY));
    CHECK_EQ(fcntl(fd, F_SETFL, O_APPEND), 0);
    CHECK_EQ(write(fd, "E", 1), 1);
    CHECK_EQ(fcntl(fd, F_SETFL, 0), 0);
    MUST(lseek(fd, 0, SEEK_SET));
    CHECK_EQ(write(fd, "S", 1), 1);
    CHECK(strcmp(get_file("f"), "Start+1+2+3!E") == 0);
}
