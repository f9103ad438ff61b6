// /proc/sys/kernel: release, host name, pid_max, random uuids; a few of vm and fs; proc(5).
// syscalls: openat read
#include "ktap.h"

TEST(kernel) {
    CHECK(strcmp(get_file("/proc/sys/kernel/ostype"), "Linux\n") == 0);
    CHECK(get_file("/proc/sys/kernel/osrelease")[0] >= '3');
    CHECK(strlen(get_file("/proc/sys/kernel/hostname")) > 1);
    CHECK(atoi(get_file("/proc/sys/kernel/pid_max")) >= 301);
    CHECK(atoi(get_file("/proc/sys/kernel/ngroups_max")) >= 32);
    CHECK(atoi(get_file("/proc/sys/kernel/cap_last_cap")) >= 30);
}

TEST(uuids) {
    char one[40] = {0}, boot[40] = {0};
    strncpy(one, get_file("/proc/sys/kernel/random/uuid"), 37);
    CHECK_EQ(strlen(one), 37);
    CHECK(one[8] == '-' && one[13] == '-' && one[14] == '4' && one[18] == '-' && one[23] == '-' && one[36] == '\n');
    CHECK(strcmp(one, get_file("/proc/sys/kernel/random/uuid")) != 0);
    strncpy(boot, get_file("/proc/sys/kernel/random/boot_id"), 37);
    CHECK_EQ(strlen(boot), 37);
    CHECK(strcmp(boot, get_file("/proc/sys/kernel/random/boot_id")) == 0);
}

TEST(others) {
    CHECK(get_file("/proc/sys/vm/overcommit_memory")[0] >= '0');
    CHECK(atol(get_file("/proc/sys/fs/pipe-max-size")) >= 65536);
    CHECK(atol(get_file("/proc/sys/fs/file-max")) > 0);
}

TEST(not_for_everyone) {
    if (geteuid() != 0) CHECK_ERR(open("/proc/sys/kernel/hostname", O_WRONLY), EACCES);
    CHECK_ERR(open("/proc/sys/kernel/nothing", O_RDONLY), ENOENT);
}
