// Restartable sequences: registered by libc, or refused with ENOSYS, which libc accepts; rseq(2).
// syscalls: rseq
// build: static dynamic
// differs: llano refuses with ENOSYS
#include "ktap.h"
#include <sys/rseq.h>

TEST(registered_or_refused) {
    if (__rseq_size == 0) {
        CHECK(under_llano());
        static struct rseq area;
        CHECK_ERR(syscall(SYS_rseq, &area, sizeof area, 0, RSEQ_SIG), ENOSYS);
        return;
    }
    struct rseq *r = (void *)((char *)__builtin_thread_pointer() + __rseq_offset);
    CHECK(r->cpu_id < 1024);
    CHECK_ERR(syscall(SYS_rseq, r, 32, 0, RSEQ_SIG), EBUSY);
}
