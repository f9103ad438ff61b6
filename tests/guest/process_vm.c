// process_vm_readv() and writev() move memory between processes; process_vm_readv(2).
// syscalls: process_vm_readv process_vm_writev
#include "ktap.h"
#include <sys/uio.h>

TEST(oneself) {
    char from[16] = "scattered", a[4] = {0}, b[8] = {0};
    struct iovec local[2] = {{a, 4}, {b, 5}}, remote = {from, 9};
    CHECK_EQ(process_vm_readv(getpid(), local, 2, &remote, 1, 0), 9);
    CHECK(memcmp(a, "scat", 4) == 0 && memcmp(b, "tered", 5) == 0);
    struct iovec in = {"SC", 2}, out = {from, 2};
    CHECK_EQ(process_vm_writev(getpid(), &in, 1, &out, 1, 0), 2);
    CHECK(strcmp(from, "SCattered") == 0);
}

TEST(errors) {
    char a[4];
    struct iovec local = {a, 4}, bad = {(void *)8, 4};
    CHECK_ERR(process_vm_readv(getpid(), &local, 1, &bad, 1, 0), EFAULT);
    CHECK_ERR(process_vm_readv(999999999, &local, 1, &local, 1, 0), ESRCH);
    CHECK_ERR(process_vm_readv(getpid(), &local, 1, &local, 1, 1), EINVAL);
}
