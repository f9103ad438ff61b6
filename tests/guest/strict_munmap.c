// munmap() takes parts of anonymous memory and whole views of files, one view at a time; mm/nommu.c (do_munmap).
// strict: --mem 32M
// build: musl
#include "ktap.h"

static char *map(int pages) {
    return MUST(mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

TEST(any_part_of_anonymous_memory) {
    char *p = map(8);
    memset(p, 1, 8 * 4096);
    CHECK_EQ(munmap(p + 2 * 4096, 4096), 0);
    CHECK_EQ(munmap(p, 4096), 0);
    CHECK_EQ(munmap(p + 7 * 4096, 4096), 0);
    CHECK_ERR(munmap(p, 4096), EINVAL);
    CHECK(p[4096] == 1 && p[3 * 4096] == 1 && p[6 * 4096] == 1);
    CHECK_EQ(munmap(p + 4096, 4096), 0);
    CHECK_EQ(munmap(p + 3 * 4096, 4 * 4096), 0);
}

TEST(one_view_at_a_time) {
    char *p = map(4);
    CHECK_EQ(munmap(p + 4096, 4096), 0);
    CHECK_ERR(munmap(p, 4 * 4096), EINVAL); // two views and a hole
    CHECK_ERR(munmap(p, 2 * 4096), EINVAL); // beyond the view's end
    CHECK_ERR(munmap(p + 4096, 4096), EINVAL);
    CHECK_EQ(munmap(p, 4096), 0);
    CHECK_EQ(munmap(p + 2 * 4096, 2 * 4096), 0);
}

TEST(arguments) {
    char *p = map(2);
    CHECK_ERR(munmap(p, 0), EINVAL);
    CHECK_ERR(munmap(p + 1, 4096), EINVAL);
    CHECK_ERR(munmap((void *)4096, 4096), EINVAL);
    CHECK_EQ(munmap(p, 4097), 0); // rounded up: all of it
}

TEST(files_only_whole) {
    scratch();
    static char text[3 * 4096 + 1];
    memset(text, 'x', sizeof text - 1);
    put_file("f", text);
    int fd = MUST(open("f", O_RDONLY));
    char *p = MUST(mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
    CHECK_ERR(munmap(p, 4096), EINVAL);
    CHECK_ERR(munmap(p + 4096, 4096), EINVAL);
    CHECK_ERR(munmap(p + 2 * 4096, 4096), EINVAL);
    CHECK_EQ(p[2 * 4096], 'x');
    CHECK_EQ(munmap(p, 3 * 4096), 0);
}
