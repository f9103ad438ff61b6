// The kernel's log is read without consuming it, in lines that begin with a priority; syslog(2).
// syscalls: syslog
#include "ktap.h"
#include <sys/klog.h>

enum { READ_ALL = 3, SIZE_UNREAD = 9, SIZE_BUFFER = 10 };

// Hosts may keep their log to themselves (dmesg_restrict).
static int readable(void) { return klogctl(SIZE_BUFFER, NULL, 0) > 0; }

TEST(read_all) {
    static char b[1 << 22], again[1 << 22];
    if (!readable()) return;
    long n = klogctl(READ_ALL, b, sizeof b);
    CHECK(n > 0 && b[0] == '<');
    CHECK_EQ(b[n - 1], '\n');
    CHECK(klogctl(READ_ALL, again, sizeof again) >= n || n > 100000);
}

TEST(only_the_end_fits) {
    char b[256];
    if (!readable()) return;
    long n = klogctl(READ_ALL, b, sizeof b);
    CHECK(n > 0 && n <= (long)sizeof b && b[0] == '<');
    CHECK_EQ(klogctl(READ_ALL, b, 0), 0);
}

TEST(errors) {
    char b[16];
    if (!readable()) return;
    CHECK_ERR(klogctl(READ_ALL, NULL, 16), EINVAL);
    CHECK_ERR(klogctl(READ_ALL, b, -1), EINVAL);
    CHECK_ERR(klogctl(11, b, sizeof b), geteuid() ? EPERM : EINVAL);
    if (geteuid()) CHECK_ERR(klogctl(SIZE_UNREAD, NULL, 0), EPERM);
}
