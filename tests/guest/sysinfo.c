// sysinfo() gives sane memory sizes and an uptime that grows; sysinfo(2).
// syscalls: sysinfo
// build: static musl
#include "ktap.h"
#include <sys/sysinfo.h>

TEST(sane) {
    struct sysinfo s;
    memset(&s, 0xff, sizeof s);
    CHECK_EQ(sysinfo(&s), 0);
    CHECK((long)s.uptime >= 0);
    CHECK(s.mem_unit >= 1);
    CHECK(s.totalram > 0 && s.freeram <= s.totalram);
    CHECK(s.freeswap <= s.totalswap);
    CHECK(s.procs >= 1);
}

TEST(agrees_with_proc) {
    struct sysinfo s;
    double up = 0;
    unsigned long kib = 0;
    CHECK_EQ(sscanf(get_file("/proc/meminfo"), "MemTotal: %lu kB", &kib), 1);
    MUST(sysinfo(&s));
    CHECK_EQ(kib, s.totalram * s.mem_unit / 1024);
    CHECK_EQ(sscanf(get_file("/proc/uptime"), "%lf", &up), 1);
    MUST(sysinfo(&s));
    CHECK((long)s.uptime >= (long)up && (long)s.uptime <= (long)up + 2);
}

TEST(error) { CHECK_ERR(syscall(SYS_sysinfo, (void *)8), EFAULT); }
