// capget() tells the capability sets in both layouts; capset() cannot add; capget(2).
// syscalls: capget capset
#include "ktap.h"
#include <linux/capability.h>

static struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
static struct __user_cap_data_struct data[2];

TEST(own_sets) {
    CHECK_EQ(syscall(SYS_capget, &head, data), 0);
    CHECK_EQ(data[0].effective & ~data[0].permitted, 0);
    if (geteuid() != 0) CHECK_EQ(data[0].effective, 0);
}

TEST(version_probe) {
    struct __user_cap_header_struct odd = {0, 0};
    CHECK_EQ(syscall(SYS_capget, &odd, NULL), 0);
    CHECK_EQ(odd.version, _LINUX_CAPABILITY_VERSION_3);
    odd.version = 0;
    CHECK_ERR(syscall(SYS_capget, &odd, data), EINVAL);
}

TEST(keeping_what_one_has) {
    MUST(syscall(SYS_capget, &head, data));
    CHECK_EQ(syscall(SYS_capset, &head, data), 0);
    if (geteuid() != 0) {
        data[0].effective = data[0].permitted = 1;
        CHECK_ERR(syscall(SYS_capset, &head, data), EPERM);
    }
}

TEST(other_processes) {
    head.pid = getppid();
    CHECK_EQ(syscall(SYS_capget, &head, data), 0);
    head.pid = 999999999;
    CHECK_ERR(syscall(SYS_capget, &head, data), ESRCH);
}
