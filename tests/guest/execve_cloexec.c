// Descriptors with close-on-exec are gone after execve, others keep their number and position; execve(2).
// syscalls: execve fcntl
#include "ktap.h"

ROLE(look) {
    int kept = atoi(ktap_argv[2]), gone = atoi(ktap_argv[3]);
    char c;
    CHECK_EQ(fcntl(kept, F_GETFD), 0);
    CHECK_ERR(fcntl(gone, F_GETFD), EBADF);
    CHECK_EQ(read(kept, &c, 1), 1);
    CHECK_EQ(c, 'c');
    CHECK_EQ(umask(0), 027);
    char here[256];
    CHECK(strcmp(getcwd(here, sizeof here), ktap_argv[4]) == 0);
}

TEST(across_exec) {
    scratch();
    put_file("f", "abcdef");
    int kept = MUST(open("f", O_RDONLY)), gone = MUST(open("f", O_RDONLY | O_CLOEXEC));
    MUST(lseek(kept, 2, SEEK_SET));
    umask(027);
    char a[8], b[8];
    snprintf(a, sizeof a, "%d", kept);
    snprintf(b, sizeof b, "%d", gone);
    CHECK_EQ(wait_status(SPAWN("look", a, b, scratch_path)), EXITED(0));
    CHECK_EQ(lseek(kept, 0, SEEK_CUR), 3);
    CHECK_EQ(fcntl(gone, F_GETFD), FD_CLOEXEC);
}

TEST(high_numbers_too) {
    int fd = MUST(fcntl(1, F_DUPFD_CLOEXEC, 200)), plain = MUST(open("f", O_RDONLY));
    MUST(lseek(plain, 2, SEEK_SET));
    char a[8], b[8];
    snprintf(a, sizeof a, "%d", plain);
    snprintf(b, sizeof b, "%d", fd);
    CHECK_EQ(wait_status(SPAWN("look", a, b, scratch_path)), EXITED(0));
}
