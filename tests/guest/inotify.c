// inotify reports creation, writing, closing, moving and deletion, by watch and name; inotify(7).
// syscalls: inotify_init1 inotify_init inotify_add_watch inotify_rm_watch
#include "ktap.h"
#include <poll.h>
#include <sys/inotify.h>

static int fd, wd;
static char b[4096] __attribute__((aligned(8)));
static int at, have;
// The next event, or one of mask 0.
static struct inotify_event *next(void) {
    static struct inotify_event none;
    if (at >= have) {
        at = 0;
        have = read(fd, b, sizeof b);
        if (have <= 0) return have = 0, &none;
    }
    struct inotify_event *e = (void *)(b + at);
    at += sizeof *e + e->len;
    return e;
}
#define CHECK_EVENT(want, text)                                                                                       \
    do {                                                                                                              \
        struct inotify_event *e = next();                                                                             \
        CHECK_EQ(e->mask, want);                                                                                      \
        CHECK_EQ(e->wd, wd);                                                                                          \
        CHECK(strcmp(e->len ? e->name : "", text) == 0);                                                              \
    } while (0)

TEST(life_of_a_file) {
    scratch();
    MUST(mkdir("d", 0755));
    fd = MUST(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    wd = inotify_add_watch(fd, "d", IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVE | IN_DELETE | IN_ATTRIB);
    CHECK(wd > 0);
    struct pollfd p = {fd, POLLIN, 0};
    CHECK_EQ(poll(&p, 1, 0), 0);
    int f = MUST(open("d/f", O_WRONLY | O_CREAT, 0600));
    CHECK_EQ(poll(&p, 1, 0), 1);
    CHECK_EVENT(IN_CREATE, "f");
    MUST(write(f, "x", 1));
    CHECK_EVENT(IN_MODIFY, "f");
    close(f);
    CHECK_EVENT(IN_CLOSE_WRITE, "f");
    MUST(chmod("d/f", 0644));
    CHECK_EVENT(IN_ATTRIB, "f");
    MUST(rename("d/f", "d/g"));
    struct inotify_event *from = next();
    CHECK_EQ(from->mask, IN_MOVED_FROM);
    uint32_t cookie = from->cookie;
    struct inotify_event *to = next();
    CHECK_EQ(to->mask, IN_MOVED_TO);
    CHECK(to->cookie == cookie && cookie != 0);
    CHECK(strcmp(to->name, "g") == 0);
    MUST(unlink("d/g"));
    CHECK_EVENT(IN_DELETE, "g");
    MUST(mkdir("d/sub", 0755));
    CHECK_EVENT(IN_CREATE | IN_ISDIR, "sub");
    CHECK_ERR(read(fd, b, sizeof b), EAGAIN);
}

TEST(watch_on_a_file_ends_with_it) {
    put_file("lone", "");
    wd = MUST(inotify_add_watch(fd, "lone", IN_DELETE_SELF));
    MUST(unlink("lone"));
    CHECK_EVENT(IN_DELETE_SELF, "");
    CHECK_EVENT(IN_IGNORED, "");
    CHECK_ERR(inotify_rm_watch(fd, wd), EINVAL);
}

TEST(same_events_merge_and_removal) {
    put_file("m", "");
    wd = MUST(inotify_add_watch(fd, "m", IN_MODIFY));
    CHECK_EQ(inotify_add_watch(fd, "m", IN_MODIFY), wd);
    int f = MUST(open("m", O_WRONLY));
    MUST(write(f, "1", 1));
    MUST(write(f, "2", 1));
    CHECK_EVENT(IN_MODIFY, "");
    CHECK_EQ(next()->mask, 0);
    CHECK_EQ(inotify_rm_watch(fd, wd), 0);
    CHECK_EVENT(IN_IGNORED, "");
}

TEST(errors) {
    CHECK_ERR(inotify_add_watch(fd, "none", IN_MODIFY), ENOENT);
    CHECK_ERR(inotify_add_watch(fd, "d", 0), EINVAL);
    CHECK_ERR(inotify_add_watch(1, "d", IN_MODIFY), EINVAL);
    CHECK_ERR(inotify_init1(0x1), EINVAL);
    wd = MUST(inotify_add_watch(fd, "d", IN_CREATE));
    MUST(mkdir("d/two", 0755));
    char small[8];
    CHECK_ERR(read(fd, small, sizeof small), EINVAL);
    CHECK(syscall(SYS_inotify_init) >= 0);
}
