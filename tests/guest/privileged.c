// Calls for the superuser only are refused to others: mount, swap, reboot, modules, accounting; capabilities(7).
// syscalls: mount umount2 swapon swapoff reboot acct init_module pivot_root iopl ioperm vhangup
#include "ktap.h"

TEST(refused) {
    if (geteuid() == 0) SKIP("is privileged");
    CHECK_ERR(syscall(SYS_mount, "none", "/tmp", "tmpfs", 0, NULL), EPERM);
    CHECK_ERR(syscall(SYS_umount2, "/proc", 0), EPERM);
    CHECK_ERR(syscall(SYS_swapon, "/nothing", 0), EPERM);
    CHECK_ERR(syscall(SYS_swapoff, "/nothing"), EPERM);
    CHECK_ERR(syscall(SYS_reboot, 0xfee1dead, 672274793, 0x89abcdef, NULL), EPERM);
    CHECK_ERR(syscall(SYS_acct, "/nothing"), EPERM);
    CHECK_ERR(syscall(SYS_pivot_root, "/", "/"), EPERM);
    CHECK_ERR(syscall(SYS_vhangup), EPERM);
    CHECK(syscall(SYS_init_module, NULL, 0, "") == -1);
    CHECK(syscall(SYS_iopl, 3) == -1);
    CHECK(syscall(SYS_ioperm, 0x80, 1, 1) == -1);
}

TEST(no_such_device) {
    if (geteuid() != 0) SKIP("needs root");
    CHECK_ERR(syscall(SYS_reboot, 1, 2, 3, NULL), EINVAL);
    CHECK_ERR(syscall(SYS_umount2, "/none", 0), ENOENT);
    CHECK_ERR(syscall(SYS_umount2, ".", 0), EINVAL);
}
