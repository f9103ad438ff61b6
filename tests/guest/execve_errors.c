// What cannot be executed, and why: ENOENT, EACCES, ENOEXEC, ENOTDIR, ELOOP, ETXTBSY; execve(2).
// syscalls: execve execveat
#include "ktap.h"

static char *argv[] = {"x", NULL}, *env[] = {NULL};

TEST(missing) {
    scratch();
    CHECK_ERR(execve("none", argv, env), ENOENT);
    CHECK_ERR(execve("none/deeper", argv, env), ENOENT);
}

TEST(not_executable) {
    put_file("plain", "#!/bin/sh\n");
    CHECK_ERR(execve("plain", argv, env), EACCES);
    MUST(mkdir("dir", 0755));
    CHECK_ERR(execve("dir", argv, env), EACCES);
    CHECK_ERR(execve("plain/x", argv, env), ENOTDIR);
}

TEST(no_known_format) {
    put_file("text", "hello\n");
    put_file("empty", "");
    put_file("short", "\177ELF");
    MUST(chmod("text", 0755) | chmod("empty", 0755) | chmod("short", 0755));
    CHECK_ERR(execve("text", argv, env), ENOEXEC);
    CHECK_ERR(execve("empty", argv, env), ENOEXEC);
    CHECK_ERR(execve("short", argv, env), ENOEXEC);
}

TEST(foreign_machine) {
    char head[128] = "\177ELF\2\1\1";
    head[16] = 2, head[18] = (char)183, head[20] = 1, head[52] = 64, head[54] = 56;  // ET_EXEC for AArch64
    int fd = MUST(open("arm", O_WRONLY | O_CREAT, 0755));
    MUST(write(fd, head, sizeof head));
    close(fd);
    CHECK_ERR(execve("arm", argv, env), ENOEXEC);
}

TEST(open_for_writing) {
    put_file("busy", "#!/bin/true\n");
    MUST(chmod("busy", 0755));
    int fd = MUST(open("busy", O_RDWR));
    CHECK_ERR(execve("busy", argv, env), ETXTBSY);
    int other = dup(fd);
    close(fd);
    CHECK_ERR(execve("busy", argv, env), ETXTBSY);
    close(other);
    fd = MUST(open("busy", O_RDONLY));
    pid_t pid = vfork();
    if (pid == 0) {
        execve("busy", argv, env);
        _exit(1);
    }
    CHECK_EQ(wait_status(pid), EXITED(0));
    close(fd);
}

TEST(loop_of_links) {
    MUST(symlink("loop", "loop"));
    CHECK_ERR(execve("loop", argv, env), ELOOP);
}

TEST(script_without_its_interpreter) {
    put_file("script", "#!/no/such/interpreter\n");
    MUST(chmod("script", 0755));
    CHECK_ERR(execve("script", argv, env), ENOENT);
}

TEST(by_descriptor) {
    int fd = MUST(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    pid_t pid = vfork();
    if (pid == 0) {
        char *args[] = {"guest", "no_such_role", NULL};
        close(1);
        open("/dev/null", O_WRONLY);
        syscall(SYS_execveat, fd, "", args, env, AT_EMPTY_PATH);
        _exit(1);
    }
    CHECK_EQ(wait_status(pid), EXITED(97));
    CHECK_ERR(syscall(SYS_execveat, fd, "", argv, env, 0), ENOENT);
    CHECK_ERR(syscall(SYS_execveat, -1, "text", argv, env, 0), EBADF);
}
