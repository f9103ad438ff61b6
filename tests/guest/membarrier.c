// membarrier() lists its commands; registered private barriers work; membarrier(2).
// syscalls: membarrier
// differs: llano may answer ENOSYS, as kernels without it do
#include "ktap.h"
#include <linux/membarrier.h>

TEST(query_and_private_barrier) {
    long commands = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
    if (under_llano() && commands == -1 && errno == ENOSYS) return;
    CHECK(commands >= 0);
    CHECK(commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED);
    CHECK_ERR(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0), EPERM);
    CHECK_EQ(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0), 0);
    CHECK_EQ(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0), 0);
    CHECK_ERR(syscall(SYS_membarrier, 1 << 30, 0, 0), EINVAL);
}
