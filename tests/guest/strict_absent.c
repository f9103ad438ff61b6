// Calls and files that need an MMU are not there; kernel/sys_ni.c ("mmu depending weak syscall entries"), mm/Kconfig.
// strict: --mem 32M
// build: musl
#include "ktap.h"
#include <sys/uio.h>

TEST(calls) {
    char *p = MUST(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    unsigned char vec[2];
    CHECK_ERR(syscall(SYS_mprotect, p, 4096, PROT_READ), ENOSYS);
    CHECK_ERR(syscall(SYS_msync, p, 4096, MS_SYNC), ENOSYS);
    CHECK_ERR(syscall(SYS_mlock, p, 4096), ENOSYS);
    CHECK_ERR(syscall(SYS_mlock2, p, 4096, 0), ENOSYS);
    CHECK_ERR(syscall(SYS_munlock, p, 4096), ENOSYS);
    CHECK_ERR(syscall(SYS_mlockall, MCL_CURRENT), ENOSYS);
    CHECK_ERR(syscall(SYS_munlockall), ENOSYS);
    CHECK_ERR(syscall(SYS_mincore, p, 8192, vec), ENOSYS);
    CHECK_ERR(syscall(SYS_madvise, p, 4096, MADV_DONTNEED), ENOSYS);
    CHECK_ERR(syscall(SYS_remap_file_pages, p, 4096, 0, 0, 0), ENOSYS);
    // Arguments are not looked at.
    CHECK_ERR(syscall(SYS_mprotect, p + 1, 4096, 77), ENOSYS);
    MUST(munmap(p, 8192));
}

TEST(other_processes_memory) { // CROSS_MEMORY_ATTACH depends on MMU
    char a[4], b[4];
    struct iovec here = {a, 4}, there = {b, 4};
    CHECK_ERR(syscall(SYS_process_vm_readv, getpid(), &here, 1, &there, 1, 0), ENOSYS);
    CHECK_ERR(syscall(SYS_process_vm_writev, getpid(), &here, 1, &there, 1, 0), ENOSYS);
}

static int listed(const char *dir, const char *name) {
    DIR *d = opendir(dir);
    int found = 0;
    for (struct dirent *e; d && (e = readdir(d));) found |= strcmp(e->d_name, name) == 0;
    if (d) closedir(d);
    return found;
}
TEST(files) { // fs/proc/base.c (CONFIG_PROC_PAGE_MONITOR depends on MMU), mm/mmap.c and mm/nommu.c (sysctls)
    CHECK_ERR(open("/proc/self/smaps", O_RDONLY), ENOENT);
    CHECK_ERR(open("/proc/sys/vm/max_map_count", O_RDONLY), ENOENT);
    CHECK_ERR(access("/proc/sys/vm/mmap_min_addr", F_OK), ENOENT);
    CHECK(!listed("/proc/self", "smaps"));
    CHECK(!listed("/proc/sys/vm", "max_map_count"));
    CHECK(listed("/proc/sys/vm", "nr_trim_pages"));
    CHECK(listed("/proc", "maps"));
    CHECK_EQ(atoi(get_file("/proc/sys/vm/nr_trim_pages")), 1); // CONFIG_NOMMU_INITIAL_TRIM_EXCESS
}
