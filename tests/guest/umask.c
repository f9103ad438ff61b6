// umask() hides permission bits of new files, directories and FIFOs, and returns the old mask; umask(2).
// syscalls: umask
// build: static musl
#include "ktap.h"

static int mode(const char *path) {
    struct stat st;
    MUST(stat(path, &st));
    return st.st_mode & 07777;
}

TEST(applies_to_all_kinds) {
    scratch();
    umask(0137);
    CHECK_EQ(umask(0137), 0137);
    close(MUST(open("f", O_WRONLY | O_CREAT, 0777)));
    MUST(mkdir("d", 0777) | mkfifo("p", 0666));
    CHECK_EQ(mode("f"), 0640);
    CHECK_EQ(mode("d"), 0640);
    CHECK_EQ(mode("p"), 0640);
}

TEST(only_nine_bits) {
    umask(07777);
    CHECK_EQ(umask(0), 0777);
    close(MUST(open("g", O_WRONLY | O_CREAT, 0666)));
    CHECK_EQ(mode("g"), 0666);
}

TEST(not_for_chmod) {
    umask(077);
    MUST(chmod("g", 0755));
    CHECK_EQ(mode("g"), 0755);
}
