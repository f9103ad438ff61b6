// The system-wide files of /proc have their known shapes; proc(5).
// syscalls: openat read
// build: static musl
#include "ktap.h"

TEST(meminfo) {
    unsigned long total = 0, available = 0;
    char *text = get_file("/proc/meminfo");
    CHECK_EQ(sscanf(text, "MemTotal: %lu kB", &total), 1);
    char *at = strstr(text, "MemAvailable:");
    CHECK(at != NULL);
    CHECK_EQ(sscanf(at, "MemAvailable: %lu kB", &available), 1);
    CHECK(available > 0 && available <= total);
    CHECK(strstr(text, "\nMemFree:") && strstr(text, "\nSwapTotal:"));
}

TEST(uptime_and_load) {
    double up, idle, one, five, fifteen;
    int running, all, last;
    CHECK_EQ(sscanf(get_file("/proc/uptime"), "%lf %lf", &up, &idle), 2);
    CHECK(up >= 0);
    CHECK_EQ(sscanf(get_file("/proc/loadavg"), "%lf %lf %lf %d/%d %d", &one, &five, &fifteen, &running, &all, &last), 6);
    CHECK(running >= 1 && all >= running && last > 0);
}

TEST(cpuinfo_and_stat) {
    char *text = get_file("/proc/cpuinfo");
    CHECK(strncmp(text, "processor\t: 0\n", 14) == 0);
    CHECK(strstr(text, "flags\t\t: ") != NULL);
    CHECK(strstr(text, " sse2 ") != NULL);
    text = get_file("/proc/stat");
    unsigned long user;
    CHECK_EQ(sscanf(text, "cpu %lu", &user), 1);
    CHECK(strstr(text, "\ncpu0 ") && strstr(text, "\nbtime ") && strstr(text, "\nctxt "));
}

TEST(filesystems_and_mounts) {
    char *text = get_file("/proc/filesystems");
    CHECK(strstr(text, "nodev\tproc\n") && strstr(text, "nodev\ttmpfs\n"));
    text = get_file("/proc/mounts");
    CHECK(strstr(text, " / ") != NULL);
    CHECK(strstr(text, " /proc proc ") != NULL);
    CHECK(strstr(get_file("/proc/self/mountinfo"), " /proc ") != NULL);
}

TEST(version) {
    CHECK(strncmp(get_file("/proc/version"), "Linux version ", 14) == 0);
    CHECK(get_length > 20);
}
