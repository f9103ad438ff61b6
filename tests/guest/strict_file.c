// Private maps of files are copies, and read-only ones of the same range are the same copy; shared ones need a file in
// RAM. Documentation/admin-guide/mm/nommu-mmap.rst, mm/nommu.c (do_mmap, do_mmap_private), fs/ramfs/file-nommu.c.
// strict: --mem 64M
// build: musl
#include "ktap.h"

#define RW (PROT_READ | PROT_WRITE)

static int file(const char *name, int pages) {
    int fd = MUST(open(name, O_RDWR | O_CREAT | O_TRUNC, 0600));
    for (int i = 0; i < pages; i++) {
        char page[4096];
        memset(page, 'a' + i, sizeof page);
        if (write(fd, page, sizeof page) != sizeof page) _exit(99);
    }
    return fd;
}

TEST(private_maps_are_copies) {
    scratch();
    int fd = file("f", 2);
    char *p = MUST(mmap(NULL, 2 * 4096, RW, MAP_PRIVATE, fd, 0));
    CHECK(p[0] == 'a' && p[4096] == 'b');
    CHECK_EQ(pwrite(fd, "new", 3, 0), 3);
    CHECK_EQ(p[0], 'a'); // not reread, though it was never written
    p[4096] = '!';
    char c;
    CHECK(pread(fd, &c, 1, 4096) == 1 && c == 'b');
    CHECK_EQ(ftruncate(fd, 0), 0);
    CHECK(p[0] == 'a' && p[4096] == '!'); // no SIGBUS
    MUST(munmap(p, 2 * 4096));
    close(fd);
}

TEST(behind_the_end_is_zero) {
    scratch();
    put_file("short", "text");
    int fd = MUST(open("short", O_RDONLY));
    char *p = MUST(mmap(NULL, 4 * 4096, PROT_READ, MAP_PRIVATE, fd, 0));
    CHECK(strcmp(p, "text") == 0);
    for (int i = 4; i < 4 * 4096; i++) CHECK_EQ(p[i], 0);
    MUST(munmap(p, 4 * 4096));
    close(fd);
}

ROLE(reader) {
    int fd = MUST(open(ktap_argv[2], O_RDONLY));
    char *p = MUST(mmap(NULL, 4 * 4096, PROT_READ, MAP_PRIVATE, fd, 0));
    _exit(p == (char *)strtoul(ktap_argv[3], NULL, 16) ? 1 : 2);
}
TEST(read_only_maps_are_shared) {
    scratch();
    int fd = file("f", 4);
    char *p = MUST(mmap(NULL, 4 * 4096, PROT_READ, MAP_PRIVATE, fd, 0));
    CHECK(mmap(NULL, 4 * 4096, PROT_READ, MAP_PRIVATE, fd, 0) == p);
    CHECK(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 2 * 4096) == p + 2 * 4096);
    char *q = MUST(mmap(NULL, 4 * 4096, RW, MAP_PRIVATE, fd, 0));
    CHECK(q != p); // a writable one never is
    char address[32];
    snprintf(address, sizeof address, "%lx", (long)p);
    CHECK_EQ(wait_status(SPAWN("reader", "f", address)), EXITED(1));
    // One that is partly there cannot be had at all ("Attempt to share mismatched mappings").
    CHECK_EQ(ftruncate(fd, 6 * 4096), 0);
    CHECK_ERR((long)mmap(NULL, 4 * 4096, PROT_READ, MAP_PRIVATE, fd, 4096), EINVAL);
    CHECK_EQ(munmap(p + 2 * 4096, 4096), 0);
    CHECK_EQ(munmap(p, 4 * 4096), 0);
    CHECK_EQ(p[0], 'a'); // the second view
    CHECK_EQ(munmap(p, 4 * 4096), 0);
    CHECK_ERR(munmap(p, 4 * 4096), EINVAL);
    p = MUST(mmap(NULL, 4 * 4096, PROT_READ, MAP_PRIVATE, fd, 4096));
    MUST(munmap(p, 4 * 4096));
    MUST(munmap(q, 4 * 4096));
    close(fd);
}

TEST(shared_maps_need_a_file_in_ram) {
    scratch();
    int fd = file("f", 1);
    CHECK_ERR((long)mmap(NULL, 4096, RW, MAP_SHARED, fd, 0), ENODEV);
    CHECK_ERR((long)mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0), ENODEV);
    close(fd);
    int pipes[2];
    MUST(pipe(pipes));
    CHECK_ERR((long)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, pipes[0], 0), ENODEV);
    int zero = MUST(open("/dev/zero", O_RDWR));
    CHECK_ERR((long)mmap(NULL, 4096, RW, MAP_SHARED, zero, 0), ENODEV);
    char *p = MUST(mmap(NULL, 4096, RW, MAP_PRIVATE, zero, 0));
    CHECK_EQ(p[4095], 0);
    MUST(munmap(p, 4096));
    int null = MUST(open("/dev/null", O_RDWR));
    CHECK_ERR((long)mmap(NULL, 4096, RW, MAP_PRIVATE, null, 0), ENODEV);
    fd = MUST(open("f", O_WRONLY));
    CHECK_ERR((long)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0), EACCES);
}

ROLE(sharer) {
    int fd = MUST(open("/dev/shm/guest-shared", O_RDWR));
    char *p = MUST(mmap(NULL, 2 * 4096, RW, MAP_SHARED, fd, 4096));
    if (p != (char *)strtoul(ktap_argv[2], NULL, 16) + 4096 || strcmp(p, "from the parent") != 0) _exit(2);
    strcpy(p, "from the child");
    _exit(1);
}
TEST(shared_memory) {
    int fd = MUST(open("/dev/shm/guest-shared", O_RDWR | O_CREAT | O_TRUNC, 0600));
    CHECK_ERR((long)mmap(NULL, 4096, RW, MAP_SHARED, fd, 0), ENODEV); // beyond its end
    MUST(ftruncate(fd, 4 * 4096));
    char *p = MUST(mmap(NULL, 3 * 4096, RW, MAP_SHARED, fd, 0));
    CHECK(mmap(NULL, 4096, RW, MAP_SHARED, fd, 2 * 4096) == p + 2 * 4096); // there is one place for it
    CHECK_ERR((long)mmap(NULL, 4096, RW, MAP_SHARED, fd, 4 * 4096), ENODEV);
    strcpy(p + 4096, "from the parent");
    char address[32];
    snprintf(address, sizeof address, "%lx", (long)p);
    CHECK_EQ(wait_status(SPAWN("sharer", address)), EXITED(1));
    CHECK(strcmp(p + 4096, "from the child") == 0);
    CHECK(strcmp(get_file("/dev/shm/guest-shared") + 4096, "from the child") == 0);
    // What is mapped cannot be cut off; fs/ramfs/file-nommu.c (ramfs_nommu_resize).
    CHECK_ERR(ftruncate(fd, 4096), ETXTBSY);
    CHECK_ERR(open("/dev/shm/guest-shared", O_RDWR | O_TRUNC), ETXTBSY);
    CHECK_EQ(ftruncate(fd, 3 * 4096), 0);
    CHECK_EQ(munmap(p + 2 * 4096, 4096), 0);
    CHECK_EQ(munmap(p, 3 * 4096), 0);
    CHECK_EQ(ftruncate(fd, 0), 0);
    CHECK_EQ(unlink("/dev/shm/guest-shared"), 0);
    close(fd);
}

TEST(read_only_maps_of_files_in_ram_see_the_file) {
    int fd = MUST(open("/dev/shm/guest-direct", O_RDWR | O_CREAT | O_TRUNC, 0600));
    MUST(ftruncate(fd, 8192));
    char *p = MUST(mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, fd, 0));
    char *q = MUST(mmap(NULL, 8192, RW, MAP_PRIVATE, fd, 0));
    CHECK_EQ(pwrite(fd, "later", 5, 4096), 5);
    CHECK(strcmp(p + 4096, "later") == 0);
    CHECK_EQ(q[4096], 0);
    MUST(munmap(p, 8192));
    MUST(munmap(q, 8192));
    CHECK_EQ(unlink("/dev/shm/guest-direct"), 0);
}
