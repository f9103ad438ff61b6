// MADV_DONTFORK leaves a range out of the child, MADV_WIPEONFORK gives it zeros; madvise(2).
// syscalls: madvise fork
// build: static musl
#include "ktap.h"

enum { PAGE = 4096 };
static char *map;

static int fault_in_child(int page) {
    pid_t pid = fork_child();
    if (pid == 0) _exit(*(volatile char *)(map + page * PAGE));
    return wait_status(pid);
}

TEST(dontfork) {
    map = MUST(mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    memset(map, 7, 4 * PAGE);
    CHECK_EQ(madvise(map + PAGE, PAGE, MADV_DONTFORK), 0);
    CHECK_EQ(fault_in_child(0), EXITED(7));
    CHECK_EQ(fault_in_child(1) & 0x7f, SIGSEGV);
    CHECK_EQ(fault_in_child(2), EXITED(7));
    CHECK_EQ(map[PAGE], 7);
    CHECK_EQ(madvise(map + PAGE, PAGE, MADV_DOFORK), 0);
    CHECK_EQ(fault_in_child(1), EXITED(7));
}

// The hole in the child can be mapped by it, without harm to the parent's page there.
TEST(dontfork_hole_is_free) {
    CHECK_EQ(madvise(map + PAGE, PAGE, MADV_DONTFORK), 0);
    pid_t pid = fork_child();
    if (pid == 0) {
        char *at = mmap(map + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        CHECK(at == map + PAGE);
        EXPECT_EQ(at[0], 0);
        memset(at, 9, PAGE);
        leave();
    }
    CHECK_CHILD(pid);
    CHECK_EQ(map[PAGE], 7);
    MUST(munmap(map, 4 * PAGE));
}

TEST(wipeonfork) {
    map = MUST(mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    memset(map, 7, 4 * PAGE);
    CHECK_EQ(madvise(map + PAGE, 2 * PAGE, MADV_WIPEONFORK), 0);
    CHECK_EQ(map[PAGE], 7);
    pid_t pid = fork_child();
    if (pid == 0) {
        EXPECT(map[0] == 7 && map[PAGE] == 0 && map[3 * PAGE - 1] == 0 && map[3 * PAGE] == 7);
        map[PAGE] = 3;
        pid_t grandchild = fork_child();
        if (grandchild == 0) {
            EXPECT_EQ(map[PAGE], 0);
            leave();
        }
        CHECK_CHILD(grandchild);
        EXPECT_EQ(map[PAGE], 3);
        leave();
    }
    CHECK_CHILD(pid);
    CHECK_EQ(map[PAGE], 7);
    CHECK_EQ(madvise(map + PAGE, 2 * PAGE, MADV_KEEPONFORK), 0);
    CHECK_EQ(fault_in_child(1), EXITED(7));
}

TEST(wipeonfork_needs_private_anonymous_memory) {
    char *shared = MUST(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    CHECK_ERR(madvise(shared, PAGE, MADV_WIPEONFORK), EINVAL);
    int fd = MUST(open("/proc/self/exe", O_RDONLY));
    char *file = MUST(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0));
    CHECK_ERR(madvise(file, PAGE, MADV_WIPEONFORK), EINVAL);
}

// A shared map that is left out, too.
TEST(dontfork_of_a_shared_map) {
    map = MUST(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    map[0] = 5;
    CHECK_EQ(madvise(map, PAGE, MADV_DONTFORK), 0);
    CHECK_EQ(fault_in_child(0) & 0x7f, SIGSEGV);
    CHECK_EQ(map[0], 5);
}
