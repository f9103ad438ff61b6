// Other processes' memory by /proc and process_vm_readv(), while one with the same addresses runs; proc(5).
// syscalls: process_vm_readv process_vm_writev fork
// build: static musl
#include "ktap.h"
#include <sys/prctl.h>
#include <sys/uio.h>

enum { PAGE = 4096, PAGES = 40 };
static char block[PAGES * PAGE];
static struct gate ready, go;

// A child that has changed every third page and waits; afterwards it finds `then` in its first page.
static pid_t waiting_child(char then) {
    memset(block, 'p', sizeof block);
    ready = gate(), go = gate();
    pid_t pid = fork_child();
    if (pid == 0) {
        for (int i = 0; i < PAGES; i += 3) block[i * PAGE] = 'c';
        open_gate(ready);
        pass_gate(go);
        EXPECT_EQ(block[10], then);
        for (int i = 0; i < PAGES; i++) EXPECT_EQ(block[i * PAGE], i % 3 ? 'p' : 'c');
        leave();
    }
    pass_gate(ready);
    memset(block, 'x', sizeof block);
    return pid;
}
static int as_the_child_left_it(const char *copy) {
    for (int i = 0; i < PAGES; i++)
        if (copy[i * PAGE] != (i % 3 ? 'p' : 'c') || copy[i * PAGE + 1] != 'p') return 0;
    return 1;
}
static void finish(pid_t pid) {
    for (unsigned i = 0; i < sizeof block; i++) CHECK_EQ(block[i], 'x');
    open_gate(go);
    CHECK_CHILD(pid);
}

TEST(process_vm) {
    static char copy[sizeof block];
    pid_t pid = waiting_child('w');
    struct iovec here = {copy, sizeof copy}, there = {block, sizeof block};
    CHECK_EQ(process_vm_readv(pid, &here, 1, &there, 1, 0), sizeof block);
    CHECK(as_the_child_left_it(copy));
    here = (struct iovec){"w", 1};
    there = (struct iovec){block + 10, 1};
    CHECK_EQ(process_vm_writev(pid, &here, 1, &there, 1, 0), 1);
    finish(pid);
}

TEST(proc_mem) {
    char path[64];
    static char copy[sizeof block];
    pid_t pid = waiting_child('m');
    snprintf(path, sizeof path, "/proc/%d/mem", pid);
    int fd = MUST(open(path, O_RDWR));
    CHECK_EQ(pread(fd, copy, sizeof copy, (off_t)block), sizeof copy);
    CHECK(as_the_child_left_it(copy));
    CHECK_EQ(pwrite(fd, "m", 1, (off_t)(block + 10)), 1);
    close(fd);
    finish(pid);
}

TEST(maps_are_the_parents_and_then_its_own) {
    char path[64], *line;
    char *map = MUST(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    char start[32];
    snprintf(start, sizeof start, "%lx-", (long)map);
    ready = gate(), go = gate();
    pid_t pid = fork_child();
    if (pid == 0) {
        MUST(mprotect(map, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
        open_gate(ready);
        pass_gate(go);
        leave();
    }
    pass_gate(ready);
    snprintf(path, sizeof path, "/proc/%d/maps", pid);
    CHECK((line = strstr(get_file(path), start)) != NULL);
    CHECK(strstr(strchr(line, ' '), "rwxp") == strchr(line, ' ') + 1);
    CHECK(strstr(get_file(path), "[stack]") != NULL);
    CHECK((line = strstr(get_file("/proc/self/maps"), start)) == NULL || strstr(line, "r--p") != NULL);
    open_gate(go);
    CHECK_CHILD(pid);
    MUST(munmap(map, PAGE));
}

// The arguments are read from the process's stack, the name is the kernel's.
TEST(arguments_and_name) {
    char path[64];
    ready = gate(), go = gate();
    char *argument = ktap_argv[0], was = argument[0];
    pid_t pid = fork_child();
    if (pid == 0) {
        argument[0] = '#';
        MUST(prctl(PR_SET_NAME, "renamed"));
        open_gate(ready);
        pass_gate(go);
        leave();
    }
    pass_gate(ready);
    snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
    CHECK_EQ(get_file(path)[0], '#');
    CHECK(strcmp(get_file(path) + 1, argument + 1) == 0);
    CHECK_EQ(get_file("/proc/self/cmdline")[0], was);
    snprintf(path, sizeof path, "/proc/%d/comm", pid);
    CHECK(strcmp(get_file(path), "renamed\n") == 0);
    CHECK(strcmp(get_file("/proc/self/comm"), "renamed\n") != 0);
    open_gate(go);
    CHECK_CHILD(pid);
}

TEST(exe_and_descriptors) {
    char path[64], mine[4096] = {0}, its[4096] = {0};
    int fd = MUST(open("/dev/null", O_RDONLY));
    ready = gate(), go = gate();
    pid_t pid = fork_child();
    if (pid == 0) {
        close(fd);
        open_gate(ready);
        pass_gate(go);
        leave();
    }
    pass_gate(ready);
    snprintf(path, sizeof path, "/proc/%d/exe", pid);
    MUST(readlink("/proc/self/exe", mine, sizeof mine - 1));
    MUST(readlink(path, its, sizeof its - 1));
    CHECK(strcmp(mine, its) == 0);
    snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, fd);
    CHECK_ERR(access(path, F_OK), ENOENT);
    snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, ready.in);
    CHECK_EQ(access(path, F_OK), 0);
    open_gate(go);
    CHECK_CHILD(pid);
    close(fd);
}
