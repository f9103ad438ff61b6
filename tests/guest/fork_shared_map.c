// Shared maps stay shared across fork(): anonymous, of a file, of a memfd, below /dev/shm; mmap(2).
// syscalls: fork mmap memfd_create
// build: static musl
#include "ktap.h"

enum { PAGE = 4096, LENGTH = 8 * PAGE };

// Parent and child take turns in the map, from before the fork and after it.
static void in_turns(volatile char *map) {
    struct gate child = gate(), parent = gate();
    map[0] = 'p';
    pid_t pid = fork_child();
    if (pid == 0) {
        for (int i = 0; i < 100; i++) {
            pass_gate(child);
            CHECK_EQ(map[(i * 500) % LENGTH], (char)(i + 'p'));
            map[(i * 500 + 1) % LENGTH] = i;
            open_gate(parent);
        }
        leave();
    }
    for (int i = 0; i < 100; i++) {
        map[(i * 500) % LENGTH] = i + 'p';
        open_gate(child);
        pass_gate(parent);
        CHECK_EQ(map[(i * 500 + 1) % LENGTH], i);
    }
    CHECK_CHILD(pid);
}

static void of_descriptor(int fd) {
    MUST(ftruncate(fd, LENGTH));
    char *map = MUST(mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)), byte;
    in_turns(map);
    CHECK(pread(fd, &byte, 1, 1) == 1 && byte == map[1]);
    MUST(munmap(map, LENGTH));
    close(fd);
}

TEST(anonymous) {
    char *map = MUST(mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    in_turns(map);
    MUST(munmap(map, LENGTH));
}

TEST(file) {
    scratch();
    of_descriptor(MUST(open("shared", O_RDWR | O_CREAT, 0600)));
}

TEST(memfd) { of_descriptor(MUST(memfd_create("shared", 0))); }

TEST(dev_shm) {
    int fd = MUST(open("/dev/shm/guest-fork-shared", O_RDWR | O_CREAT | O_TRUNC, 0600));
    MUST(unlink("/dev/shm/guest-fork-shared"));
    of_descriptor(fd);
}

// Made in the child, shared with the grandchild, after the child's own memory has become different.
TEST(made_in_the_child) {
    pid_t pid = fork_child();
    if (pid == 0) {
        char *map = MUST(mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
        in_turns(map);
        leave();
    }
    CHECK_CHILD(pid);
}

// Private and shared pages side by side, one system call over both.
TEST(between_private_pages) {
    char *map = MUST(mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    MUST(mmap(map + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    memset(map, 'a', 3 * PAGE);
    pid_t pid = fork_child();
    if (pid == 0) {
        memset(map, 'b', 3 * PAGE);
        leave();
    }
    CHECK_CHILD(pid);
    CHECK(map[0] == 'a' && map[PAGE - 1] == 'a');
    CHECK(map[PAGE] == 'b' && map[2 * PAGE - 1] == 'b');
    CHECK(map[2 * PAGE] == 'a' && map[3 * PAGE - 1] == 'a');
    int p[2];
    MUST(pipe(p));
    pid = fork_child();
    if (pid == 0) {
        EXPECT_EQ(read(p[0], map, 3 * PAGE), 3 * PAGE);
        EXPECT(map[0] == 'c' && map[2 * PAGE] == 'c');
        leave();
    }
    char text[3 * PAGE];
    memset(text, 'c', sizeof text);
    CHECK_EQ(write(p[1], text, sizeof text), sizeof text);
    CHECK_CHILD(pid);
    CHECK(map[0] == 'a' && map[PAGE] == 'c' && map[2 * PAGE - 1] == 'c' && map[2 * PAGE] == 'a');
}

// Unmapping in one leaves the other's view; the file's contents survive both.
TEST(unmapped_by_one) {
    char *map = MUST(mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    pid_t pid = fork_child();
    if (pid == 0) {
        map[PAGE] = 'c';
        MUST(munmap(map, LENGTH));
        leave();
    }
    CHECK_CHILD(pid);
    CHECK_EQ(map[PAGE], 'c');
    struct gate go = gate();
    pid = fork_child();
    if (pid == 0) {
        pass_gate(go);
        EXPECT_EQ(map[PAGE], 'c');
        leave();
    }
    MUST(munmap(map, LENGTH));
    open_gate(go);
    CHECK_CHILD(pid);
}
