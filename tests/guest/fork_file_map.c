// Private file maps across fork(): clean pages, dirty pages, and a file that changes; fork(2), mmap(2).
// syscalls: fork mmap
// build: static musl
// differs: a page that its process never wrote may be its own from the fork on (mmap(2) leaves it open), and show the old file
#include "ktap.h"

enum { PAGE = 4096, PAGES = 40 };
static char *map;
static int fd;

static void make(int flags, int fill) {
    scratch();
    char page[PAGE];
    fd = MUST(open("mapped", O_RDWR | O_CREAT | O_TRUNC, 0600));
    for (int i = 0; i < PAGES; i++) {
        memset(page, fill + i, PAGE);
        MUST(write(fd, page, PAGE));
    }
    map = MUST(mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0));
}

TEST(dirty_and_clean_pages) {
    make(MAP_PRIVATE, 'A');
    struct gate wrote = gate(), go = gate();
    for (int i = 0; i < PAGES; i += 2) map[i * PAGE] = 1;
    pid_t pid = fork_child();
    if (pid == 0) {
        for (int i = 0; i < PAGES; i++) CHECK_EQ(map[i * PAGE], i % 2 ? 'A' + i : 1);
        for (int i = 0; i < PAGES; i += 3) map[i * PAGE + 1] = 2;
        open_gate(wrote);
        pass_gate(go);
        for (int i = 0; i < PAGES; i++) CHECK_EQ(map[i * PAGE + 1], i % 3 ? 'A' + i : 2);
        for (int i = 0; i < PAGES; i++) CHECK_EQ(map[i * PAGE + 2], 'A' + i);
        leave();
    }
    pass_gate(wrote);
    for (int i = 0; i < PAGES; i++) CHECK_EQ(map[i * PAGE + 1], 'A' + i);
    for (int i = 0; i < PAGES; i += 5) map[i * PAGE + 2] = 3;
    open_gate(go);
    CHECK_CHILD(pid);
    for (int i = 0; i < PAGES; i++) CHECK_EQ(map[i * PAGE + 2], i % 5 ? 'A' + i : 3);
    char page[PAGE];
    for (int i = 0; i < PAGES; i++) {
        CHECK_EQ(pread(fd, page, PAGE, i * PAGE), PAGE);
        for (int k = 0; k < PAGE; k++) CHECK_EQ(page[k], 'A' + i);
    }
    MUST(munmap(map, PAGES * PAGE));
    close(fd);
}

// A page that nobody wrote shows the file as it is now; one that was written does not.
TEST(file_changes_afterwards) {
    make(MAP_PRIVATE, 'a');
    map[0] = 'x';
    struct gate wrote = gate(), go = gate();
    pid_t pid = fork_child();
    if (pid == 0) {
        map[PAGE] = 'y';
        open_gate(wrote);
        pass_gate(go);
        EXPECT(map[0] == 'x' && map[1] == 'a');
        EXPECT(map[PAGE] == 'y' && map[PAGE + 1] == 'b');
        EXPECT(map[2 * PAGE] == '!' || (under_llano() && map[2 * PAGE] == 'c'));
        leave();
    }
    pass_gate(wrote);
    for (int i = 0; i < 3; i++) MUST(pwrite(fd, "!!", 2, i * PAGE));
    open_gate(go);
    CHECK_CHILD(pid);
    CHECK(map[0] == 'x' && map[1] == 'a');
    CHECK(map[PAGE] == '!' || (under_llano() && map[PAGE] == 'b'));
    CHECK(map[2 * PAGE] == '!' || (under_llano() && map[2 * PAGE] == 'c'));
    MUST(munmap(map, PAGES * PAGE));
    close(fd);
}

TEST(only_readable) {
    make(MAP_PRIVATE, '0');
    MUST(mprotect(map, PAGES * PAGE, PROT_READ));
    pid_t pid = fork_child();
    if (pid == 0) {
        for (int i = 0; i < PAGES; i++) CHECK_EQ(map[i * PAGE], '0' + i);
        MUST(mprotect(map, PAGE, PROT_READ | PROT_WRITE));
        map[0] = 'c';
        EXPECT_EQ(map[0], 'c');
        leave();
    }
    CHECK_CHILD(pid);
    CHECK_EQ(map[0], '0');
    MUST(munmap(map, PAGES * PAGE));
    close(fd);
}

TEST(removed_file) {
    make(MAP_PRIVATE, 'A');
    MUST(unlink("mapped"));
    close(fd);
    map[PAGE] = 'p';
    pid_t pid = fork_child();
    if (pid == 0) {
        EXPECT(map[0] == 'A' && map[PAGE] == 'p' && map[2 * PAGE] == 'C');
        map[0] = 'c';
        leave();
    }
    map[2 * PAGE] = 'q';
    CHECK_CHILD(pid);
    CHECK(map[0] == 'A' && map[PAGE] == 'p' && map[2 * PAGE] == 'q');
    MUST(munmap(map, PAGES * PAGE));
}

// The host's own file, as libraries are: this program's text.
TEST(file_of_the_host) {
    fd = MUST(open("/proc/self/exe", O_RDONLY));
    map = MUST(mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
    CHECK(memcmp(map, "\177ELF", 4) == 0);
    map[PAGE] = 42;
    pid_t pid = fork_child();
    if (pid == 0) {
        EXPECT(memcmp(map, "\177ELF", 4) == 0);
        EXPECT_EQ(map[PAGE], 42);
        memcpy(map, "CHLD", 4);
        EXPECT(memcmp(map, "CHLD", 4) == 0);
        leave();
    }
    CHECK_CHILD(pid);
    CHECK(memcmp(map, "\177ELF", 4) == 0);
    char head[4];
    CHECK(pread(fd, head, 4, 0) == 4 && memcmp(head, "\177ELF", 4) == 0);
    MUST(munmap(map, 4 * PAGE));
    close(fd);
}
