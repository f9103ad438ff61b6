// fork() with private memory from one page to 64 MiB, touched wholly, in part, or not at all; fork(2).
// syscalls: fork mmap
// build: static musl
#include "ktap.h"

enum { PAGE = 4096 };

// A value that tells page and writer apart.
static uint64_t stamp(uint64_t writer, uint64_t page) { return (writer << 32 | page) * 0x9e3779b97f4a7c15; }

static uint64_t *word(char *at, size_t page) { return (uint64_t *)(at + page * PAGE + 8 * (page % 500)); }

static void fill(char *at, size_t pages, size_t step, int writer) {
    for (size_t i = 0; i < pages; i += step) *word(at, i) = stamp(writer, i);
}

static size_t wrong(char *at, size_t pages, size_t step, int writer) {
    size_t count = 0;
    for (size_t i = 0; i < pages; i += step) count += *word(at, i) != stamp(writer, i);
    return count;
}

// The child writes every `step`th page, the parent meanwhile every one; then both look at all.
static void both_write(size_t pages, size_t step) {
    char *at = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(at != MAP_FAILED);
    fill(at, pages, 1, 1);
    struct gate child_wrote = gate(), parent_wrote = gate();
    pid_t pid = fork_child();
    if (pid == 0) {
        EXPECT_EQ(wrong(at, pages, 1, 1), 0);
        fill(at, pages, step, 2);
        open_gate(child_wrote);
        pass_gate(parent_wrote);
        EXPECT_EQ(wrong(at, pages, step, 2), 0);
        for (size_t i = 0; i < pages; i++)
            if (i % step) CHECK_EQ(*word(at, i), stamp(1, i));
        leave();
    }
    pass_gate(child_wrote);
    EXPECT_EQ(wrong(at, pages, 1, 1), 0);
    fill(at, pages, 1, 3);
    open_gate(parent_wrote);
    CHECK_CHILD(pid);
    CHECK_EQ(wrong(at, pages, 1, 3), 0);
    MUST(munmap(at, pages * PAGE));
}

TEST(one_page) { both_write(1, 1); }
TEST(two_pages) { both_write(2, 2); }
TEST(sixteen_pages) { both_write(16, 3); }
TEST(seventeen_pages) { both_write(17, 1); }
TEST(one_mebibyte) { both_write(256, 5); }
TEST(eight_mebibytes) { both_write(2048, 1); }
TEST(sixty_four_mebibytes) { both_write(16384, 7); }

// Nothing is touched before the fork: zeros in both, and what one writes is not the other's.
TEST(untouched) {
    size_t pages = 16384;
    char *at = MUST(mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    struct gate child_wrote = gate();
    pid_t pid = fork_child();
    if (pid == 0) {
        for (size_t i = 0; i < pages; i += 97) CHECK_EQ(at[i * PAGE], 0);
        fill(at, pages, 97, 2);
        open_gate(child_wrote);
        EXPECT_EQ(wrong(at, pages, 97, 2), 0);
        leave();
    }
    pass_gate(child_wrote);
    for (size_t i = 0; i < pages; i += 97) CHECK_EQ(*word(at, i), 0);
    CHECK_CHILD(pid);
    MUST(munmap(at, pages * PAGE));
}

// A child of a large parent that exits at once, many times; the parent writes in between.
TEST(short_lived_children_of_a_large_parent) {
    size_t pages = 8192;
    char *at = MUST(mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    fill(at, pages, 1, 1);
    for (int round = 0; round < 20; round++) {
        size_t page = round * 401 % pages;
        pid_t pid = fork_child();
        if (pid == 0) {
            EXPECT_EQ(*word(at, page), stamp(1, page));
            at[page * PAGE + 4080] = 'c';
            EXPECT_EQ(at[page * PAGE + 4080], 'c');
            leave();
        }
        CHECK_CHILD(pid);
        CHECK_EQ(at[page * PAGE + 4080], 0);
        at[page * PAGE + 4088] = round;
    }
    for (int round = 0; round < 20; round++) CHECK_EQ(at[round * 401 % pages * PAGE + 4088], round);
    CHECK_EQ(wrong(at, pages, 1, 1), 0);
    MUST(munmap(at, pages * PAGE));
}
