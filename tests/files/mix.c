// Random file operations in a new directory; one line per operation with what it returned. The same seed gives the
// same operations on every system, so the lines of two systems can be compared: `mix DIRECTORY SEED COUNT UID`.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

static uint64_t state;
static uint32_t below(uint32_t n) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % n;
}
#define ONE_OF(...) ((const int[]){__VA_ARGS__}[below(sizeof((int[]){__VA_ARGS__}) / sizeof(int))])

enum { SLOTS = 6 };
static int fds[SLOTS] = {-1, -1, -1, -1, -1, -1};
static int any_fd(void) {
    int i = below(SLOTS + 1);
    return i == SLOTS ? 500 : fds[i];
}

// A path of up to three names, sometimes odd.
static const char *path(void) {
    static char bufs[4][300];
    static int turn;
    char *p = bufs[turn++ & 3];
    *p = 0;
    int odd = below(40);
    if (odd == 0) return "";
    if (odd == 1) return memset(p, 'n', 256), p[256] = 0, p;
    if (odd == 2) return ".";
    int names = 1 + below(10) / 7 + below(10) / 8;
    for (int i = 0; i < names; i++) {
        if (i) strcat(p, "/");
        int n = below(24);
        strcat(p, n == 0 ? "." : n == 1 ? ".." : (const char *[]){"a", "b", "c", "d", "e"}[n % 5]);
    }
    // Never above the scratch directory, where the systems differ.
    if (strstr(p, "..")) return "a/../b";
    if (below(12) == 0) strcat(p, "/");
    return p;
}

static long number;
static void say(const char *what, long result, const char *format, ...) {
    int error = errno;
    printf("%ld %s = %ld", number, what, result);
    if (result < 0) printf(" %s", strerrorname_np(error));
    if (format && result >= 0) {
        va_list args;
        va_start(args, format);
        vprintf(format, args);
        va_end(args);
    }
    putchar('\n');
}

static void describe(const char *what, int result, const struct stat *s) {
    say(what, result, " mode %o nlink %ld uid %d gid %d size %ld", s->st_mode, (long)s->st_nlink, s->st_uid, s->st_gid,
        S_ISDIR(s->st_mode) ? 0L : (long)s->st_size);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }
static void list(const char *p) {
    DIR *d = opendir(p);
    say("opendir", d ? 0 : -1, NULL);
    if (!d) return;
    char *names[64];
    int n = 0;
    for (struct dirent *e; (e = readdir(d)) && n < 64;) {
        names[n] = malloc(300);
        sprintf(names[n++], "%s:%d", e->d_name, e->d_type);
    }
    closedir(d);
    qsort(names, n, sizeof *names, by_name);
    for (int i = 0; i < n; i++) printf(" %s", names[i]), free(names[i]);
    putchar('\n');
}

static void io(void) {
    static char buf[20000];
    int fd = any_fd(), len = below(4) ? below(300) : below(20000);
    off_t at = below(4) ? below(500) : below(100000);
    unsigned sum = 0;
    struct stat s;
    long n;
    switch (below(9)) {
    case 0: case 1:
        n = read(fd, buf, len);
        for (long i = 0; i < n; i++) sum = sum * 31 + (unsigned char)buf[i];
        say("read", n, " sum %u", sum);
        break;
    case 2:
        n = pread(fd, buf, len, at);
        for (long i = 0; i < n; i++) sum = sum * 31 + (unsigned char)buf[i];
        say("pread", n, " sum %u", sum);
        break;
    case 3: case 4:
        // What a FIFO takes depends on the pages it keeps.
        if (fstat(fd, &s) == 0 && S_ISFIFO(s.st_mode)) len = below(10);
        memset(buf, 'a' + number % 26, len);
        say("write", write(fd, buf, len), NULL);
        break;
    case 5:
        memset(buf, 'a' + number % 26, len);
        say("pwrite", pwrite(fd, buf, len, at), NULL);
        break;
    case 6:
        // Where a directory ends is each filesystem's own business.
        if (fstat(fd, &s) == 0 && S_ISDIR(s.st_mode)) break;
        say("lseek", lseek(fd, at - 100, ONE_OF(SEEK_SET, SEEK_CUR, SEEK_END, 9)), NULL);
        break;
    case 7: {
        if (fstat(fd, &s) == 0 && S_ISFIFO(s.st_mode)) len = below(10);
        memset(buf, 'A' + number % 26, len);
        struct iovec v[3] = {{buf, len / 3}, {buf, 0}, {buf + len / 3, len - len / 3}};
        say("writev", writev(fd, v, 3), NULL);
        break;
    }
    case 8: {
        int other = any_fd();
        off_t from = at / 4, to = at;
        say("copy_file_range", copy_file_range(fd, below(2) ? &from : NULL, other, below(2) ? &to : NULL, len, 0), NULL);
        break;
    }
    }
}

static void change(void) {
    int fd = any_fd();
    off_t at = below(4) ? below(500) : below(100000);
    switch (below(9)) {
    case 0: say("ftruncate", ftruncate(fd, at - 5), NULL); break;
    case 1: say("truncate", truncate(path(), at - 5), NULL); break;
    case 2: say("fallocate", fallocate(fd, ONE_OF(0, 1, 3, 0x10), at, below(9000)), NULL); break;
    // Not sticky and writable by all: sysctl fs.protected_* makes those special.
    case 3: say("chmod", chmod(path(), ONE_OF(0777, 06777, 01755, 0) ^ below(8) << 6), NULL); break;
    case 4: say("fchmod", fchmod(fd, below(0777) ^ ONE_OF(0, 06000, 0)), NULL); break;
    case 5: say("chown", lchown(path(), ONE_OF(-1, 0, 1000), ONE_OF(-1, 0, 1000)), NULL); break;
    case 6: {
        struct timespec t[2] = {{below(9), below(999)}, {below(9), ONE_OF(5, UTIME_OMIT, UTIME_NOW, 2000000000)}};
        const char *p = path();
        struct stat s = {0};
        int flags = ONE_OF(0, AT_SYMLINK_NOFOLLOW), set = utimensat(AT_FDCWD, p, t, flags);
        say("utimensat", set, NULL);
        if (set == 0 && t[1].tv_nsec == 5 && fstatat(AT_FDCWD, p, &s, flags) == 0) printf(" mtime %ld.%ld\n", (long)s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
        break;
    }
    case 7: say("umask", umask(below(0200)), NULL); break;
    case 8: say("access", faccessat(AT_FDCWD, path(), below(8), ONE_OF(0, AT_EACCESS)), NULL); break;
    }
}

static void name(void) {
    const char *p = path(), *q = path();
    char target[300] = {0};
    switch (below(13)) {
    case 0: case 1: say("mkdir", mkdir(p, below(3) ? 0777 : below(0777) ^ ONE_OF(0, 06000)), NULL); break;
    case 2: say("rmdir", rmdir(p), NULL); break;
    case 3: say("unlink", unlink(p), NULL); break;
    case 4: case 5: say("rename", rename(p, q), NULL); break;
    case 6: say("renameat2", renameat2(AT_FDCWD, p, AT_FDCWD, q, ONE_OF(0, 1, 2, 3, 8)), NULL); break;
    case 7: say("linkat", linkat(AT_FDCWD, p, AT_FDCWD, q, ONE_OF(0, AT_SYMLINK_FOLLOW)), NULL); break;
    case 8: say("symlink", symlink(p, q), NULL); break;
    case 9: {
        long n = readlink(p, target, 290);
        say("readlink", n, " %s", target);
        break;
    }
    case 10: say("mknod", mknod(p, ONE_OF(S_IFREG, S_IFIFO, S_IFSOCK, 0, S_IFDIR) | below(0777), 0), NULL); break;
    case 11: say("linkat", linkat(any_fd(), "", AT_FDCWD, q, AT_EMPTY_PATH), NULL); break;
    case 12: say("unlinkat", unlinkat(any_fd(), p, ONE_OF(0, AT_REMOVEDIR, 1)), NULL); break;
    }
}

static void look(void) {
    struct stat s;
    memset(&s, 0, sizeof s);
    const char *p = path();
    switch (below(6)) {
    case 0: describe("stat", stat(p, &s), &s); break;
    case 1: describe("lstat", lstat(p, &s), &s); break;
    case 2: describe("fstat", fstat(any_fd(), &s), &s); break;
    case 3: list(p); break;
    case 4: describe("fstatat", fstatat(any_fd(), p, &s, ONE_OF(0, AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW)), &s); break;
    case 5: {
        struct statx x;
        memset(&x, 0, sizeof x);
        say("statx", statx(any_fd(), p, ONE_OF(0, AT_EMPTY_PATH, 0x6000), STATX_BASIC_STATS, &x), " mode %o nlink %u",
            x.stx_mode, x.stx_nlink);
        break;
    }
    }
}

static void descriptor(void) {
    int slot = below(SLOTS), fd;
    switch (below(8)) {
    case 0: case 1: case 2: {
        int flags = ONE_OF(O_RDONLY, O_WRONLY, O_RDWR, 3);
        if (below(2)) flags |= O_CREAT;
        if (below(4) == 0) flags |= O_EXCL;
        if (below(4) == 0) flags |= O_TRUNC;
        if (below(4) == 0) flags |= O_APPEND;
        if (below(6) == 0) flags |= O_DIRECTORY;
        if (below(6) == 0) flags |= O_NOFOLLOW;
        if (below(12) == 0) flags |= O_PATH;
        // A FIFO must not wait, and O_EXCL alone is undefined.
        flags |= O_NONBLOCK;
        if (!(flags & O_CREAT)) flags &= ~O_EXCL;
        // Until Linux 6.4 this pair made a file.
        if (flags & O_CREAT) flags &= ~O_DIRECTORY;
        fd = openat(below(4) ? AT_FDCWD : any_fd(), path(), flags, below(2) ? 0666 : below(0777));
        break;
    }
    case 3:
        fd = openat(AT_FDCWD, path(), O_TMPFILE | ONE_OF(O_RDWR, O_WRONLY, O_RDONLY, O_RDWR | O_EXCL), 0600);
        break;
    case 4:
        fd = dup(any_fd());
        break;
    case 5:
        say("fcntl getfl", fcntl(any_fd(), F_GETFL), NULL);
        return;
    case 6:
        say("fcntl setfl", fcntl(any_fd(), F_SETFL, ONE_OF(0, O_APPEND) | O_NONBLOCK), NULL);
        return;
    default:
        say("flock", flock(any_fd(), ONE_OF(LOCK_SH, LOCK_EX, LOCK_UN, LOCK_SH | LOCK_EX) | LOCK_NB), NULL);
        return;
    }
    say("fd", fd < 0 ? -1 : 0, NULL);
    if (fd >= 0) {
        if (fds[slot] >= 0) close(fds[slot]);
        fds[slot] = fd;
    }
}

int main(int argc, char **argv) {
    if (argc < 5) return 2;
    // What `..` leads to at the top is the same everywhere too.
    char top[300];
    int uid = atoi(argv[4]);
    snprintf(top, sizeof top, "%s/top", argv[1]);
    umask(0);
    // With a fifth argument what an earlier run has left is there already.
    int again = argc > 5;
    if (!again && (mkdir(argv[1], 0755) || mkdir(top, 0777) || ((int)getuid() != uid && chown(top, uid, uid)))) return perror("mix"), 2;
    if (chdir(top)) return perror("mix"), 2;
    if ((int)getuid() != uid && (setgid(uid) || setuid(uid))) return perror("mix"), 2;
    state = strtoul(argv[2], NULL, 10) * 0x9e3779b97f4a7c15u + 1;
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    umask(022);
    long count = atol(argv[3]);
    for (number = 0; number < count; number++) switch (below(12)) {
        case 0: case 1: case 2: io(); break;
        case 3: change(); break;
        case 4: case 5: case 6: case 7: name(); break;
        case 8: case 9: look(); break;
        default: descriptor(); break;
        }
    list(".");
    return 0;
}
