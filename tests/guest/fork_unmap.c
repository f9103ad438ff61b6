// What one process does to its maps after fork() leaves the other's alone; fork(2), mmap(2), mremap(2), brk(2).
// syscalls: fork mmap munmap mprotect mremap madvise brk
// build: static musl fixed
#include "ktap.h"

enum { PAGE = 4096, LENGTH = 16 * PAGE };

static char *fresh(void) {
    char *map = MUST(mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    memset(map, 'a', LENGTH);
    return map;
}
static int all(char *map, size_t from, size_t to, char what) {
    for (size_t i = from; i < to; i++)
        if (map[i] != what) return 0;
    return 1;
}

// `change` happens in the child, or in the parent while the child waits; the other then finds its memory whole and writable.
static void in_child(void (*change)(char *)) {
    char *map = fresh();
    struct gate changed = gate(), go = gate();
    pid_t pid = fork_child();
    if (pid == 0) {
        change(map);
        open_gate(changed);
        pass_gate(go);
        leave();
    }
    pass_gate(changed);
    EXPECT(all(map, 0, LENGTH, 'a'));
    memset(map, 'p', LENGTH);
    open_gate(go);
    CHECK_CHILD(pid);
    CHECK(all(map, 0, LENGTH, 'p'));
    MUST(munmap(map, LENGTH));
}
static void in_parent(void (*change)(char *)) {
    char *map = fresh();
    struct gate changed = gate();
    pid_t pid = fork_child();
    if (pid == 0) {
        pass_gate(changed);
        EXPECT(all(map, 0, LENGTH, 'a'));
        memset(map, 'c', LENGTH);
        EXPECT(all(map, 0, LENGTH, 'c'));
        MUST(munmap(map, LENGTH));
        leave();
    }
    change(map);
    open_gate(changed);
    CHECK_CHILD(pid);
}
static void both(void (*change)(char *)) {
    in_child(change);
    in_parent(change);
}

static void unmap(char *map) { MUST(munmap(map, LENGTH)); }
TEST(unmap_in_one) { both(unmap); }

static void unmap_a_hole(char *map) {
    MUST(munmap(map + 4 * PAGE, 2 * PAGE));
    EXPECT(all(map, 0, 4 * PAGE, 'a') && all(map, 6 * PAGE, LENGTH, 'a'));
}
TEST(unmap_a_hole_in_one) { both(unmap_a_hole); }

static void forbid(char *map) { MUST(mprotect(map, LENGTH, PROT_NONE)); }
TEST(forbid_in_one) { both(forbid); }

static void only_read(char *map) {
    MUST(mprotect(map + PAGE, PAGE, PROT_READ));
    memset(map, 'x', PAGE);
    EXPECT(all(map, PAGE, LENGTH, 'a'));
}
TEST(only_read_in_one) { both(only_read); }

static void grow(char *map) {
    char *now = mremap(map, LENGTH, 4 * LENGTH, MREMAP_MAYMOVE);
    CHECK(now != MAP_FAILED);
    EXPECT(all(now, 0, LENGTH, 'a') && all(now, LENGTH, 4 * LENGTH, 0));
    memset(now, 'g', 4 * LENGTH);
    MUST(munmap(now, 4 * LENGTH));
}
TEST(grow_in_one) { both(grow); }

static void shrink(char *map) {
    CHECK(mremap(map, LENGTH, PAGE, 0) == map);
    EXPECT(all(map, 0, PAGE, 'a'));
    map[0] = 's';
}
TEST(shrink_in_one) { both(shrink); }

static void move(char *map) {
    char *to = MUST(mmap(NULL, LENGTH, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CHECK(mremap(map, LENGTH, LENGTH, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
    EXPECT(all(to, 0, LENGTH, 'a'));
    memset(to, 'm', LENGTH);
    MUST(munmap(to, LENGTH));
}
TEST(move_in_one) { both(move); }

static void replace(char *map) {
    CHECK(mmap(map, LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == map);
    EXPECT(all(map, 0, LENGTH, 0));
    memset(map, 'r', LENGTH);
}
TEST(replace_in_one) { both(replace); }

static void replace_by_a_file(char *map) {
    int fd = MUST(open("/proc/self/exe", O_RDONLY));
    CHECK(mmap(map + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) == map + PAGE);
    EXPECT(memcmp(map + PAGE, "\177ELF", 4) == 0);
    EXPECT(all(map, 0, PAGE, 'a') && all(map, 2 * PAGE, LENGTH, 'a'));
    close(fd);
}
TEST(replace_by_a_file_in_one) { both(replace_by_a_file); }

static void replace_by_shared(char *map) {
    MUST(mmap(map, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    map[0] = 's';
    EXPECT(all(map, PAGE, LENGTH, 'a'));
}
TEST(replace_by_shared_in_one) { both(replace_by_shared); }

static void drop(char *map) {
    MUST(madvise(map + PAGE, 3 * PAGE, MADV_DONTNEED));
    EXPECT(all(map, 0, PAGE, 'a') && all(map, PAGE, 4 * PAGE, 0) && all(map, 4 * PAGE, LENGTH, 'a'));
    memset(map, 'd', LENGTH);
}
TEST(drop_in_one) { both(drop); }

// musl's brk() only fails.
static char *get_break(void) { return (char *)syscall(SYS_brk, 0); }
static int set_break(char *to) { return (char *)syscall(SYS_brk, to) == to ? 0 : -1; }

static void move_the_break(char *map) {
    char *end = get_break();
    CHECK(set_break(end + 64 * PAGE) == 0);
    EXPECT(all(end, 0, 64 * PAGE, 0));
    memset(end, 'b', 64 * PAGE);
    CHECK(set_break(end) == 0);
    EXPECT(all(map, 0, LENGTH, 'a'));
}
TEST(move_the_break_in_one) { both(move_the_break); }

// The break that was grown before the fork: given back by one, kept by the other.
TEST(break_shrinks_in_one) {
    char *end = get_break();
    CHECK(set_break(end + LENGTH) == 0);
    memset(end, 'k', LENGTH);
    pid_t pid = fork_child();
    if (pid == 0) {
        EXPECT(get_break() == end + LENGTH);
        CHECK(set_break(end + PAGE) == 0);
        CHECK(set_break(end + LENGTH) == 0);
        EXPECT(all(end, 0, PAGE, 'k') && all(end, (PAGE - (uintptr_t)end % PAGE) % PAGE + PAGE, LENGTH, 0));
        leave();
    }
    CHECK_CHILD(pid);
    CHECK(get_break() == end + LENGTH);
    CHECK(all(end, 0, LENGTH, 'k'));
    CHECK(set_break(end) == 0);
}

// The child's own doing kills the child, and only it.
TEST(touching_what_it_unmapped) {
    char *map = fresh();
    pid_t pid = fork_child();
    if (pid == 0) {
        MUST(munmap(map, LENGTH));
        *(volatile char *)map = 1;
        leave();
    }
    CHECK_EQ(wait_status(pid) & 0x7f, SIGSEGV);
    CHECK(all(map, 0, LENGTH, 'a'));
    pid = fork_child();
    if (pid == 0) {
        MUST(mprotect(map, PAGE, PROT_READ));
        *(volatile char *)map = 1;
        leave();
    }
    CHECK_EQ(wait_status(pid) & 0x7f, SIGSEGV);
    memset(map, 'b', LENGTH);
    struct gate go = gate();
    pid = fork_child();
    if (pid == 0) {
        pass_gate(go);
        EXPECT(all(map, 0, LENGTH, 'b'));
        leave();
    }
    MUST(munmap(map, LENGTH));
    open_gate(go);
    CHECK_CHILD(pid);
}

// And system calls of the child get EFAULT there, while the parent's work.
TEST(calls_into_what_it_unmapped) {
    char *map = fresh();
    int p[2];
    MUST(pipe(p));
    pid_t pid = fork_child();
    if (pid == 0) {
        MUST(munmap(map, LENGTH));
        EXPECT_ERR(write(p[1], map, 1), EFAULT);
        leave();
    }
    CHECK_CHILD(pid);
    CHECK_EQ(write(p[1], map, 1), 1);
    CHECK_EQ(read(p[0], map + 1, 1), 1);
    MUST(munmap(map, LENGTH));
}

// New maps of both after the fork, many, some probably at the same addresses.
TEST(new_maps_in_both) {
    enum { COUNT = 200 };
    char *maps[COUNT];
    pid_t pid = fork_child();
    for (int i = 0; i < COUNT; i++) {
        maps[i] = MUST(mmap(NULL, PAGE * (1 + i % 7), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        CHECK(all(maps[i], 0, PAGE * (1 + i % 7), 0));
        memset(maps[i], pid ? i : ~i, PAGE * (1 + i % 7));
        if (i % 20 == 0) sleep_ms(1);
    }
    for (int i = 0; i < COUNT; i++) CHECK(all(maps[i], 0, PAGE * (1 + i % 7), pid ? i : ~i));
    for (int i = 0; i < COUNT; i++) MUST(munmap(maps[i], PAGE * (1 + i % 7)));
    if (pid == 0) leave();
    CHECK_CHILD(pid);
}

// Both put a different map at one address, and swap turns.
TEST(fixed_maps_at_one_address) {
    char *map = fresh();
    struct gate child = gate(), parent = gate();
    pid_t pid = fork_child();
    char mine = pid ? 'P' : 'C';
    for (int i = 0; i < 50; i++) {
        if (pid == 0) pass_gate(child);
        if (i) CHECK(all(map, 0, LENGTH, mine));
        CHECK(mmap(map, LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == map);
        CHECK(all(map, 0, LENGTH, 0));
        memset(map, mine, LENGTH);
        if (pid == 0) open_gate(parent);
        else {
            open_gate(child);
            pass_gate(parent);
        }
    }
    if (pid == 0) leave();
    CHECK_CHILD(pid);
    MUST(munmap(map, LENGTH));
}
