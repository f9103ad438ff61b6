// /proc/self/maps shows the program's text, the stack, and every map with its protection, in order; proc(5).
// syscalls: mmap mprotect munmap openat
// build: static dynamic musl musl-dynamic fixed
#include "ktap.h"

struct line {
    uintptr_t start, end;
    char protection[5];
    unsigned long offset, inode;
    char name[256];
};
// Finds the line that holds `address`.
static int find(const void *address, struct line *l) {
    for (char *at = get_file("/proc/self/maps"); *at; at = strchr(at, '\n') + 1) {
        l->name[0] = 0;
        if (sscanf(at, "%lx-%lx %4s %lx %*s %lu %255[^\n]", &l->start, &l->end, l->protection, &l->offset, &l->inode, l->name) < 5) return 0;
        if ((uintptr_t)address >= l->start && (uintptr_t)address < l->end) return 1;
    }
    return 0;
}

TEST(own_text) {
    struct line l;
    char self[256] = {0};
    MUST(readlink("/proc/self/exe", self, sizeof self - 1));
    CHECK(find((void *)find, &l));
    CHECK(strcmp(l.protection, "r-xp") == 0);
    CHECK(strstr(l.name, self) != NULL);
    struct stat st;
    MUST(stat("/proc/self/exe", &st));
    CHECK_EQ(l.inode, st.st_ino);
}

TEST(stack) {
    struct line l;
    CHECK(find(&l, &l));
    CHECK(strcmp(l.protection, "rw-p") == 0);
    CHECK(strstr(l.name, "[stack]") != NULL);
}

TEST(a_new_map_comes_and_goes) {
    struct line l;
    char *p = MUST(mmap(NULL, 16 * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CHECK(find(p, &l));
    CHECK(strcmp(l.protection, "r--p") == 0);
    MUST(mprotect(p + 4096, 4096, PROT_NONE));
    CHECK(find(p + 4096, &l));
    CHECK(strcmp(l.protection, "---p") == 0);
    CHECK(l.start == (uintptr_t)p + 4096 && l.end == (uintptr_t)p + 8192);
    MUST(munmap(p, 16 * 4096));
    CHECK(!find(p, &l));
}

TEST(file_maps) {
    struct line l;
    char want[128];
    scratch();
    int fd = MUST(open("f", O_RDWR | O_CREAT, 0600));
    MUST(ftruncate(fd, 16384));
    char *p = MUST(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096));
    snprintf(want, sizeof want, "%s/f", scratch_path);
    CHECK(find(p, &l));
    CHECK(strcmp(l.protection, "rw-s") == 0);
    CHECK_EQ(l.offset, 4096);
    CHECK(strstr(l.name, want) != NULL);
}

TEST(sorted_and_disjoint) {
    uintptr_t last = 0, start, end;
    int lines = 0;
    for (char *at = get_file("/proc/self/maps"); *at; at = strchr(at, '\n') + 1, lines++) {
        CHECK_EQ(sscanf(at, "%lx-%lx", &start, &end), 2);
        CHECK(start >= last && end > start);
        last = end;
    }
    CHECK(lines >= 5);
}
