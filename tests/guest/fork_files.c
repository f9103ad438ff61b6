// Descriptors after fork(): a table of its own, shared offsets and status flags, locks by kind; fork(2), fcntl(2), flock(2).
// syscalls: fork flock fcntl lseek
// build: static musl
#include "ktap.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>

TEST(offset_is_shared) {
    scratch();
    put_file("f", "abcdefghij");
    int fd = MUST(open("f", O_RDWR));
    char c[4];
    pid_t pid = fork_child();
    if (pid == 0) {
        EXPECT_EQ(read(fd, c, 3), 3);
        leave();
    }
    CHECK_CHILD(pid);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 3);
    CHECK(read(fd, c, 1) == 1 && c[0] == 'd');
    close(fd);
}

TEST(writers_do_not_overwrite_each_other) {
    int fd = MUST(open("log", O_WRONLY | O_CREAT, 0600));
    for (int i = 0; i < 8; i++)
        if (fork_child() == 0) {
            char line[11];
            for (int k = 0; k < 50; k++) {
                snprintf(line, sizeof line, "%d %07d\n", i, k);
                CHECK_EQ(write(fd, line, 10), 10);
            }
            leave();
        }
    for (int i = 0; i < 8; i++) CHECK_EQ(wait_status(-1), EXITED(0));
    close(fd);
    get_file("log");
    CHECK_EQ(get_length, 4000);
    int next[8] = {0};
    for (char *line = get_file("log"); *line; line += 10) CHECK_EQ(atoi(line + 2), next[line[0] - '0']++);
}

TEST(status_flags_are_shared_and_descriptor_flags_are_not) {
    int fd = MUST(open("f", O_RDONLY));
    pid_t pid = fork_child();
    if (pid == 0) {
        MUST(fcntl(fd, F_SETFL, O_NONBLOCK));
        MUST(fcntl(fd, F_SETFD, FD_CLOEXEC));
        leave();
    }
    CHECK_CHILD(pid);
    CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
    CHECK_EQ(fcntl(fd, F_GETFD), 0);
    pid = fork_child();
    if (pid == 0) {
        close(fd);
        EXPECT_ERR(fcntl(fd, F_GETFD), EBADF);
        leave();
    }
    CHECK_CHILD(pid);
    CHECK_EQ(fcntl(fd, F_GETFD), 0);
    close(fd);
}

TEST(record_locks_are_not_inherited) {
    int fd = MUST(open("f", O_RDWR));
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 5};
    MUST(fcntl(fd, F_SETLK, &lock));
    pid_t parent = getpid(), pid = fork_child();
    if (pid == 0) {
        struct flock asked = lock;
        EXPECT_ERR(fcntl(fd, F_SETLK, &asked), EAGAIN);
        MUST(fcntl(fd, F_GETLK, &asked));
        EXPECT(asked.l_type == F_WRLCK && asked.l_pid == parent);
        close(fd); // releases the child's locks, of which it has none
        leave();
    }
    CHECK_CHILD(pid);
    pid = fork_child();
    if (pid == 0) {
        struct flock asked = lock;
        MUST(fcntl(fd, F_GETLK, &asked));
        EXPECT_EQ(asked.l_type, F_WRLCK);
        leave();
    }
    CHECK_CHILD(pid);
    close(fd);
}

TEST(flock_is_shared) {
    int fd = MUST(open("f", O_RDWR)), other = MUST(open("f", O_RDWR));
    MUST(flock(fd, LOCK_EX));
    pid_t pid = fork_child();
    if (pid == 0) {
        EXPECT_EQ(flock(fd, LOCK_EX | LOCK_NB), 0);
        EXPECT_ERR(flock(other, LOCK_EX | LOCK_NB), EWOULDBLOCK);
        close(fd);
        leave();
    }
    CHECK_CHILD(pid);
    CHECK_ERR(flock(other, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    pid = fork_child();
    if (pid == 0) {
        MUST(flock(fd, LOCK_UN));
        leave();
    }
    CHECK_CHILD(pid);
    CHECK_EQ(flock(other, LOCK_EX | LOCK_NB), 0);
    close(fd);
    close(other);
}

TEST(open_file_locks_are_shared) {
    int fd = MUST(open("f", O_RDWR)), other = MUST(open("f", O_RDWR));
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 5};
    MUST(fcntl(fd, F_OFD_SETLK, &lock));
    pid_t pid = fork_child();
    if (pid == 0) {
        struct flock same = lock;
        EXPECT_EQ(fcntl(fd, F_OFD_SETLK, &same), 0);
        same.l_pid = 0;
        EXPECT_ERR(fcntl(other, F_OFD_SETLK, &same), EAGAIN);
        leave();
    }
    CHECK_CHILD(pid);
    CHECK_ERR(fcntl(other, F_OFD_SETLK, &lock), EAGAIN);
    close(fd);
    close(other);
}

// Waiting for a lock that the other process holds.
TEST(lock_is_waited_for) {
    struct gate locked = gate();
    int fd = MUST(open("f", O_RDWR));
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    pid_t pid = fork_child();
    if (pid == 0) {
        MUST(fcntl(fd, F_SETLK, &lock));
        open_gate(locked);
        sleep_ms(20);
        leave();
    }
    pass_gate(locked);
    CHECK_EQ(fcntl(fd, F_SETLKW, &lock), 0);
    CHECK_CHILD(pid);
    close(fd);
}

TEST(eventfd_and_epoll_are_shared) {
    int fd = MUST(eventfd(0, 0)), set = MUST(epoll_create1(0));
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 7};
    uint64_t value = 5;
    MUST(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event));
    pid_t pid = fork_child();
    if (pid == 0) {
        struct epoll_event got = {0};
        EXPECT_EQ(epoll_wait(set, &got, 1, 5000), 1);
        EXPECT_EQ(got.data.u64, 7);
        EXPECT_EQ(read(fd, &value, 8), 8);
        EXPECT_EQ(value, 3);
        leave();
    }
    event.data.u64 = 99;
    uint64_t three = 3;
    sleep_ms(5);
    CHECK_EQ(write(fd, &three, 8), 8);
    CHECK_CHILD(pid);
    CHECK(event.data.u64 == 99 && value == 5);
    CHECK_EQ(epoll_wait(set, &event, 1, 0), 0);
    close(fd);
    close(set);
}

TEST(directory_offset_is_shared) {
    for (char name[] = "d-a"; name[2] <= 'e'; name[2]++) put_file(name, "");
    int fd = MUST(open(".", O_RDONLY | O_DIRECTORY));
    char block[4096];
    pid_t pid = fork_child();
    if (pid == 0) {
        while (syscall(SYS_getdents64, fd, block, sizeof block) > 0) {}
        leave();
    }
    CHECK_CHILD(pid);
    CHECK_EQ(syscall(SYS_getdents64, fd, block, sizeof block), 0);
    close(fd);
}
