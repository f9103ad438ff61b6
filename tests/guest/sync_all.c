// sync() and syncfs() return when what was written is on its way; sync(2).
// syscalls: sync syncfs
#include "ktap.h"

TEST(sync_call) {
    scratch();
    put_file("f", "text");
    int fd = MUST(open("/dev/shm", O_RDONLY));
    CHECK_EQ(syncfs(fd), 0);
    if (under_llano()) CHECK_EQ(syscall(SYS_sync), 0);  // natively this could wait for the whole machine
    CHECK(strcmp(get_file("f"), "text") == 0);
}
