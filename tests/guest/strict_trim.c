// What rounding to powers of two costs is given back from vm.nr_trim_pages pages on; mm/nommu.c (do_mmap_private).
// strict: --mem 64M --user 0
// build: musl
#include "ktap.h"

// Free pages, from the blocks of each order.
static long free_pages(void) {
    char *at = strstr(get_file("/proc/buddyinfo"), "Normal") + 6;
    long sum = 0, count;
    for (int order = 0; sscanf(at, "%ld", &count) == 1; order++) {
        sum += count << order;
        at += strspn(at, " ");
        at += strspn(at, "0123456789");
    }
    return sum;
}

static long cost(int pages) {
    long before = free_pages();
    char *p = MUST(mmap(NULL, pages * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    long used = before - free_pages();
    MUST(munmap(p, pages * 4096));
    EXPECT_EQ(free_pages(), before);
    return used;
}

TEST(at_once) {
    put_file("/proc/sys/vm/nr_trim_pages", "1");
    CHECK_EQ(cost(1), 1);
    CHECK_EQ(cost(3), 3);
    CHECK_EQ(cost(33), 33);
}

TEST(never) {
    put_file("/proc/sys/vm/nr_trim_pages", "0\n");
    CHECK_EQ(atoi(get_file("/proc/sys/vm/nr_trim_pages")), 0);
    CHECK_EQ(cost(3), 4);
    CHECK_EQ(cost(33), 64);
}

TEST(from_two_pages_on) {
    put_file("/proc/sys/vm/nr_trim_pages", "2");
    CHECK_EQ(cost(3), 4);
    CHECK_EQ(cost(6), 6);
    CHECK_EQ(cost(33), 33);
}

TEST(a_number_of_pages) {
    int fd = MUST(open("/proc/sys/vm/nr_trim_pages", O_WRONLY));
    CHECK_ERR(write(fd, "-1", 2), EINVAL);
    CHECK_ERR(write(fd, "many", 4), EINVAL);
    close(fd);
    CHECK_EQ(atoi(get_file("/proc/sys/vm/nr_trim_pages")), 2);
}
