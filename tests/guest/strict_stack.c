// The stack has the size that --stack gives and no guard page: what overflows it writes to its neighbour. brk() has no
// room. fs/binfmt_elf_fdpic.c (load_elf_fdpic_binary: "create a stack area and zero-size brk area").
// strict: --mem 32M --stack 64K
// build: musl
#include "ktap.h"

static char *bottom, *top;
static void find_stack(void) {
    for (char *line = get_file("/proc/self/maps"); line; line = (line = strchr(line, '\n')) ? line + 1 : NULL) {
        char *end = strchr(line, '\n'), *name = strstr(line, "[stack]");
        if (end && name && name < end) sscanf(line, "%p-%p", (void **)&bottom, (void **)&top);
    }
}

TEST(size) {
    find_stack();
    CHECK((char *)&top != NULL && bottom && top);
    char here;
    CHECK(&here > bottom && &here < top);
    CHECK_EQ(top - bottom, 65536);
}

// Fills the stack with frames until it goes below `limit`.
static int __attribute__((noinline)) dig(char *limit, int depth) {
    volatile char frame[256];
    memset((char *)frame, 0xee, sizeof frame);
    if ((char *)frame < limit) return depth;
    int r = dig(limit, depth + 1);
    __asm__ volatile("" ::: "memory");
    return r + (frame[0] != (char)0xee);
}
TEST(overflow_runs_into_the_neighbour) {
    find_stack();
    // What lies there belongs to somebody else, or nobody: it is put back.
    static char saved[1024];
    memcpy(saved, bottom - sizeof saved, sizeof saved);
    memset(bottom - sizeof saved, 0x11, sizeof saved);
    int depth = dig(bottom - 256, 0), changed = 0;
    for (int i = 0; i < (int)sizeof saved; i++) changed += bottom[i - (int)sizeof saved] != 0x11;
    memcpy(bottom - sizeof saved, saved, sizeof saved);
    CHECK(depth > 100);
    CHECK(changed >= 200);
}

TEST(brk_stays) {
    char *start = (char *)syscall(SYS_brk, 0);
    CHECK(start == bottom);
    CHECK((char *)syscall(SYS_brk, start + 1) == start);
    CHECK((char *)syscall(SYS_brk, start - 4096) == start);
    CHECK((char *)syscall(SYS_brk, start + 4096) == start);
}

static char *big(size_t len) {
    char *s = malloc(len + 1);
    memset(s, 'x', len);
    s[len] = 0;
    return s;
}
TEST(arguments_must_fit) {
    char *argv[] = {"guest", big(65000), NULL}, *none[] = {NULL};
    CHECK_EQ(wait_status(SPAWN("child", big(40000))), EXITED(4));
    CHECK_ERR(execve("/proc/self/exe", argv, none), E2BIG);
}
ROLE(child) { _exit(strlen(ktap_argv[2]) == 40000 ? 4 : 5); }
