// uname() names the system; the host name can be changed by the superuser only; uname(2).
// syscalls: uname sethostname setdomainname
// build: static musl
#include "ktap.h"

TEST(fields) {
    struct utsname u;
    CHECK_EQ(uname(&u), 0);
    CHECK(strcmp(u.sysname, "Linux") == 0);
    CHECK(strcmp(u.machine, "x86_64") == 0);
    int major = 0, minor = 0;
    CHECK_EQ(sscanf(u.release, "%d.%d", &major, &minor), 2);
    CHECK(major >= 4);
    CHECK(u.nodename[0] != 0 && u.version[0] != 0 && u.domainname[0] != 0);
}

TEST(proc_agrees) {
    struct utsname u;
    MUST(uname(&u));
    char *text = get_file("/proc/sys/kernel/osrelease");
    CHECK(strncmp(text, u.release, strlen(u.release)) == 0 && text[strlen(u.release)] == '\n');
    text = get_file("/proc/sys/kernel/hostname");
    CHECK(strncmp(text, u.nodename, strlen(u.nodename)) == 0);
    CHECK(strstr(get_file("/proc/version"), u.release) != NULL);
    CHECK(strstr(get_file("/proc/version"), u.version) != NULL);
}

TEST(errors) {
    CHECK_ERR(syscall(SYS_uname, (void *)8), EFAULT);
    if (geteuid() != 0) {
        CHECK_ERR(sethostname("x", 1), EPERM);
        CHECK_ERR(setdomainname("x", 1), EPERM);
    }
    CHECK_EQ(sethostname("x", -1), -1);
    CHECK_EQ(setdomainname("x", -1), -1);
}
