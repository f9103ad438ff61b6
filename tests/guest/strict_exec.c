// Only position-independent programs can be loaded; fs/binfmt_elf_fdpic.c ("nommu can only load ET_DYN (PIE) ELF").
// strict: --mem 32M
// build: musl
#include "ktap.h"
#include <elf.h>

// A copy of this program that claims to be linked to fixed addresses.
static void make_fixed(const char *path) {
    int from = MUST(open("/proc/self/exe", O_RDONLY)), to = MUST(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755));
    static char buf[65536];
    for (ssize_t n, at = 0; (n = read(from, buf, sizeof buf)) > 0; at += n) {
        if (at == 0) ((Elf64_Ehdr *)buf)->e_type = ET_EXEC;
        if (write(to, buf, n) != n) _exit(99);
    }
    close(from);
    close(to);
}

TEST(fixed_addresses) {
    scratch();
    make_fixed("fixed");
    char *argv[] = {"fixed", "child", NULL}, *none[] = {NULL};
    pid_t pid = vfork();
    if (pid == 0) {
        execve("fixed", argv, none);
        _exit(errno == ENOEXEC ? 8 : 9);
    }
    CHECK_EQ(wait_status(pid), EXITED(8));
}

ROLE(child) { _exit(12); }
TEST(many_at_once) {
    pid_t pids[6];
    for (int i = 0; i < 6; i++) pids[i] = SPAWN("child");
    for (int i = 0; i < 6; i++) CHECK_EQ(wait_status(pids[i]), EXITED(12));
}

static int data = 1;
ROLE(counts) { _exit(++data); }
TEST(each_has_its_own_data) {
    data = 40;
    CHECK_EQ(wait_status(SPAWN("counts")), EXITED(2));
    CHECK_EQ(data, 40);
}

TEST(too_many_strings) { // MAX_ARG_PAGES
    char *argv[8] = {"guest", "child"}, *none[] = {NULL};
    for (int i = 2; i < 4; i++) argv[i] = memset(calloc(70001, 1), 'x', 70000);
    CHECK_ERR(execve("/proc/self/exe", argv, none), E2BIG);
}
