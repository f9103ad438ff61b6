// /proc/PID/maps lists views as they were made, none joined, and /proc/maps the regions of all; fs/proc/task_nommu.c,
// fs/proc/nommu.c.
// strict: --mem 32M
// build: musl
#include "ktap.h"

static char line_[256];
// The line of `file` that begins with the address.
static char *line_of(const char *file, void *at) {
    char head[32];
    snprintf(head, sizeof head, "%08lx-", (long)at);
    for (char *line = get_file(file); line && *line; line = (line = strchr(line, '\n')) ? line + 1 : NULL)
        if (strncmp(line, head, strlen(head)) == 0) {
            snprintf(line_, sizeof line_, "%.*s", (int)strcspn(line, "\n"), line);
            return line_;
        }
    return "";
}

TEST(views_are_not_joined) {
    char *p[4];
    for (int i = 0; i < 4; i++) p[i] = MUST(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    for (int i = 0; i < 4; i++) {
        char want[64];
        snprintf(want, sizeof want, "%08lx-%08lx r--p 00000000 00:00 0 ", (long)p[i], (long)p[i] + 4096);
        CHECK(strcmp(line_of("/proc/self/maps", p[i]), want) == 0);
        CHECK(strcmp(line_of("/proc/maps", p[i]), want) == 0);
        MUST(munmap(p[i], 4096));
        CHECK(!*line_of("/proc/maps", p[i]));
    }
}

TEST(letters_of_sharing) {
    int fd = MUST(open("/dev/shm/guest-maps", O_RDWR | O_CREAT | O_TRUNC, 0600));
    MUST(ftruncate(fd, 8192));
    char *p = MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096));
    CHECK(strstr(line_of("/proc/self/maps", p), " rw-S 00001000 "));
    CHECK(strstr(line_of("/proc/self/maps", p), " /dev/shm/guest-maps"));
    MUST(munmap(p, 4096));
    p = MUST(mmap(NULL, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    CHECK(strstr(line_of("/proc/self/maps", p), " r--p 00000000 00:00 0"));
    MUST(munmap(p, 4096));
    unlink("/dev/shm/guest-maps");
}

TEST(copies_name_their_file) {
    scratch();
    put_file("f", "text");
    int fd = MUST(open("f", O_RDONLY));
    char *p = MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
    CHECK(strstr(line_of("/proc/self/maps", p), " rw-p 00000000 "));
    CHECK(strstr(line_of("/proc/self/maps", p), "/f"));
    MUST(munmap(p, 4096));
}

// The number behind a name in status.
static long status(const char *name) {
    char *at = strstr(get_file("/proc/self/status"), name);
    return at ? strtol(at + strlen(name), NULL, 10) : -1;
}
TEST(status_counts_regions) {
    CHECK(status("VmSize:") == -1 && status("Shared:") == 0 && status("Slack:") == 0);
    long before = status("Mem:");
    char *p = MUST(mmap(NULL, 5 * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CHECK_EQ(status("Mem:"), before + 5 * 4096);
    CHECK(mremap(p, 5 * 4096, 4096, 0) == p);
    CHECK_EQ(status("Mem:"), before + 5 * 4096);
    MUST(munmap(p, 4096));
    CHECK_EQ(status("Mem:"), before);
}

TEST(program_and_stack) {
    char *all = get_file("/proc/self/maps");
    CHECK(!strstr(all, "[heap]"));
    CHECK(strstr(all, "[stack]"));
    CHECK(!strstr(all, "strict_maps")); // read into anonymous memory
    CHECK(strstr(all, " rwxp 00000000 00:00 0"));
}
