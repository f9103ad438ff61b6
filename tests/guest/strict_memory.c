// Memory is what RAM has, in one piece: what no free block can hold is ENOMEM, however much is free in all.
// mm/nommu.c (do_mmap_private: alloc_pages_exact), mm/page_alloc.c (buddy allocator).
// strict: --mem 16M
// build: musl
#include "ktap.h"

static char *try(size_t len) {
    return mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

TEST(no_more_than_ram) {
    CHECK_ERR((long)try(16 << 20), ENOMEM);
    CHECK_ERR((long)try(1UL << 40), ENOMEM);
    CHECK_ERR((long)mmap(NULL, 32 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM);
}

static char *block[512];
TEST(fragmentation) {
    int n = 0;
    while (n < 512 && (block[n] = try(65536)) != MAP_FAILED) n++;
    CHECK(n > 100 && n < 256);
    CHECK_EQ(errno, ENOMEM);
    // Every second one, by address: half of it is free, but no two blocks in a row.
    for (int i = 0; i < n; i++)
        if ((uintptr_t)block[i] & 65536) MUST(munmap(block[i], 65536));
    CHECK_ERR((long)try(131072), ENOMEM);
    CHECK_ERR((long)try(65536 + 4096), ENOMEM); // needs a block of 128 KiB to begin with
    CHECK(strstr(get_file("/proc/buddyinfo"), "Normal"));
    char *one = try(65536);
    CHECK(one != MAP_FAILED);
    MUST(munmap(one, 65536));
    for (int i = 0; i < n; i++)
        if (!((uintptr_t)block[i] & 65536)) MUST(munmap(block[i], 65536));
    char *p = try(4 << 20);
    CHECK(p != MAP_FAILED);
    MUST(munmap(p, 4 << 20));
}

ROLE(hog) {
    char *p = try(4 << 20);
    if (p == MAP_FAILED) _exit(2);
    memset(p, 1, 4 << 20);
    _exit(1);
}
TEST(what_a_process_had_is_free_when_it_ends) {
    for (int i = 0; i < 8; i++) CHECK_EQ(wait_status(SPAWN("hog")), EXITED(1));
}

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
TEST(nothing_is_lost_and_nothing_given_twice) {
    static struct { unsigned char *at; int pages; } have[64];
    long before = free_pages();
    srand(1);
    for (int step = 0; step < 4000; step++) {
        int i = rand() % 64, n = rand() % 24 + 1;
        if (!have[i].pages) {
            have[i].at = (unsigned char *)try(n * 4096);
            CHECK(have[i].at != MAP_FAILED);
            have[i].pages = n;
            for (int k = 0; k < n; k++) CHECK_EQ(have[i].at[k * 4096], 0);
            for (int k = 0; k < n; k++) have[i].at[k * 4096] = i + 1;
            continue;
        }
        for (int k = 0; k < have[i].pages; k++) CHECK_EQ(have[i].at[k * 4096], i + 1);
        int keep = rand() % have[i].pages, head = rand() % 2;
        unsigned char *gone = have[i].at + (head ? 0 : keep * 4096);
        MUST(munmap(gone, (have[i].pages - keep) * 4096));
        if (head) have[i].at += (have[i].pages - keep) * 4096;
        have[i].pages = keep;
    }
    for (int i = 0; i < 64; i++)
        if (have[i].pages) MUST(munmap(have[i].at, have[i].pages * 4096));
    CHECK_EQ(free_pages(), before);
}

TEST(the_log_says_why) {
    CHECK_ERR((long)try(16 << 20), ENOMEM);
    static char log[16385];
    int n = syscall(SYS_syslog, 3, log, 16384); // SYSLOG_ACTION_READ_ALL
    CHECK(n > 0);
    CHECK(strstr(log, "Allocation of length 16777216 from process"));
}
