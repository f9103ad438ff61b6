// /proc/PID of another process: its name, command line, links and end; proc(5).
// syscalls: openat readlink
#include "ktap.h"

ROLE(block) {
    MUST(write(atoi(ktap_argv[2]), "x", 1));
    for (;;) pause();
}

static char path[64], b[256];
static const char *of(pid_t pid, const char *file) {
    snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
    return path;
}

TEST(another_process) {
    int p[2];
    char number[8], c, self[256] = {0};
    MUST(pipe(p));
    snprintf(number, sizeof number, "%d", p[1]);
    pid_t pid = SPAWN("block", number);
    CHECK_EQ(read(p[0], &c, 1), 1);
    CHECK(memcmp(get_file(of(pid, "cmdline")), "guest\0block", 12) == 0);
    CHECK(strcmp(get_file(of(pid, "comm")), "exe\n") == 0);
    MUST(readlink("/proc/self/exe", self, sizeof self - 1));
    MUST(readlink(of(pid, "exe"), b, sizeof b - 1));
    CHECK(strcmp(b, self) == 0);
    struct stat st;
    MUST(stat(of(pid, "status"), &st));
    CHECK_EQ(st.st_uid, geteuid());
    CHECK(strstr(get_file(of(pid, "maps")), "[stack]") != NULL);
    int listed = 0;
    DIR *d = opendir("/proc");
    for (struct dirent *e; (e = readdir(d));) listed += atoi(e->d_name) == pid || atoi(e->d_name) == getpid();
    closedir(d);
    CHECK_EQ(listed, 2);
    int dir = MUST(open(of(pid, ""), O_RDONLY | O_DIRECTORY));
    MUST(kill(pid, SIGKILL));
    CHECK_EQ(wait_status(pid), SIGKILL);
    CHECK_ERR(open(of(pid, "cmdline"), O_RDONLY), ENOENT);
    CHECK_EQ(openat(dir, "cmdline", O_RDONLY), -1);
}

TEST(init_is_there) {
    CHECK_EQ(access("/proc/1/stat", F_OK), 0);
    int pid = 0;
    CHECK_EQ(sscanf(get_file("/proc/1/stat"), "%d", &pid), 1);
    CHECK_EQ(pid, 1);
}
