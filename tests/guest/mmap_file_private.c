// A private file map shows the file, keeps its own changes, and outlives the descriptor; mmap(2).
// syscalls: mmap munmap
// build: static musl
#include "ktap.h"

static char *map;

TEST(shows_the_file) {
    scratch();
    put_file("f", "hello, map");
    int fd = MUST(open("f", O_RDONLY));
    map = MUST(mmap(NULL, 10, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
    CHECK_EQ(close(fd), 0);
    CHECK(memcmp(map, "hello, map", 10) == 0);
}

TEST(rest_of_the_page_is_zero) {
    for (int i = 10; i < 4096; i++) CHECK_EQ(map[i], 0);
}

TEST(changes_stay_private) {
    map[0] = 'J';
    CHECK(memcmp(map, "Jello", 5) == 0);
    CHECK(strcmp(get_file("f"), "hello, map") == 0);
    CHECK_EQ(munmap(map, 10), 0);
}

TEST(at_an_offset) {
    int fd = MUST(open("g", O_RDWR | O_CREAT, 0600));
    char page[4096];
    for (int i = 0; i < 3; i++) {
        memset(page, 'a' + i, sizeof page);
        MUST(write(fd, page, sizeof page));
    }
    char *p = MUST(mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, fd, 4096));
    CHECK(p[0] == 'b' && p[4095] == 'b' && p[4096] == 'c' && p[8191] == 'c');
    MUST(munmap(p, 8192));
    CHECK_ERR((long)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 100), EINVAL);
}

TEST(access_must_match_the_descriptor) {
    int w = MUST(open("f", O_WRONLY)), r = MUST(open("f", O_RDONLY)), d = MUST(open(".", O_RDONLY));
    CHECK_ERR((long)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, w, 0), EACCES);
    CHECK_ERR((long)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, r, 0), EACCES);
    CHECK_ERR((long)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, d, 0), ENODEV);
}
