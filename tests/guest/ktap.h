// The test kit of the guest programs: KTAP v1 output, checks that print what failed, helper processes.
//
//   TEST(name) { CHECK(...); }   one case; a failed CHECK ends it. Cases run in source order.
//   ROLE(name) { ... }           what this program does when it starts itself again with argv[1] = name.
//
// A second process is a ROLE, started by vfork and execve, or a block of the case itself:
//   pid_t pid = fork_child(); if (pid == 0) { EXPECT(...); leave(); }   then CHECK_CHILD(pid)
#ifndef KTAP_H
#define KTAP_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct ktap_case {
    const char *name;
    void (*run)(void);
    int line;
};

// The linker collects every TEST and ROLE; `ktap_case` is sorted by line, since sections promise no order.
#define KTAP_ENTRY(section_name, prefix, id)                                                                          \
    static void prefix##id(void);                                                                                     \
    static const struct ktap_case prefix##entry_##id                                                                  \
        __attribute__((used, section(section_name), aligned(sizeof(void *)))) = {#id, prefix##id, __LINE__};          \
    static void prefix##id(void)
#define TEST(id) KTAP_ENTRY("ktap_tests", test_, id)
#define ROLE(id) KTAP_ENTRY("ktap_roles", role_, id)
extern const struct ktap_case __start_ktap_tests[], __stop_ktap_tests[];
extern const struct ktap_case __start_ktap_roles[] __attribute__((weak)), __stop_ktap_roles[] __attribute__((weak));

static int ktap_failed, ktap_forked;
static const char *ktap_skip;
static char **ktap_argv;
static int ktap_argc;

// One write a line, without stdio: a crash loses nothing and the early kernel needs only write().
static void __attribute__((format(printf, 1, 2))) say(const char *format, ...) {
    char line[1024];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (n > (int)sizeof line - 1) n = sizeof line - 1;
    if (write(1, line, n) != n) _exit(98);
}

static int ktap_note(int line, const char *what, long got, long want, int compared) {
    int err = errno;
    ktap_failed = 1;
    if (compared)
        say("# line %d: %s: got %ld (0x%lx), want %ld (0x%lx); errno %d (%s)\n", line, what, got, got, want, want, err,
            strerror(err));
    else
        say("# line %d: %s; errno %d (%s)\n", line, what, err, strerror(err));
    return 0;
}

// EXPECT* note a failure and go on (usable in threads and handlers); CHECK* also leave the TEST or ROLE.
#define EXPECT(cond) ((cond) ? 1 : ktap_note(__LINE__, #cond, 0, 0, 0))
#define EXPECT_EQ(a, b)                                                                                               \
    ({                                                                                                                \
        long got_ = (long)(a), want_ = (long)(b);                                                                     \
        got_ == want_ ? 1 : ktap_note(__LINE__, #a " == " #b, got_, want_, 1);                                        \
    })
#define EXPECT_ERR(call, err)                                                                                         \
    ({                                                                                                                \
        errno = 0;                                                                                                    \
        long r_ = (long)(call);                                                                                       \
        (r_ == -1 && errno == (err)) ? 1 : ktap_note(__LINE__, #call " fails with " #err, r_, -1, 1);                 \
    })
// In a forked child that is its end: it must not go on as a second runner.
#define KTAP_OR_LEAVE(expectation) do { if (!(expectation)) { if (ktap_forked) _exit(1); return; } } while (0)
#define CHECK(cond) KTAP_OR_LEAVE(EXPECT(cond))
#define CHECK_EQ(a, b) KTAP_OR_LEAVE(EXPECT_EQ(a, b))
#define CHECK_ERR(call, err) KTAP_OR_LEAVE(EXPECT_ERR(call, err))
#define SKIP(why) do { ktap_skip = (why); return; } while (0)

// For set-up that has to work: the value of the call, or the end of the program.
#define MUST(call)                                                                                                    \
    ({                                                                                                                \
        __typeof__(call) r_ = (call);                                                                                 \
        if ((long)r_ == -1) {                                                                                         \
            ktap_note(__LINE__, #call, 0, 0, 0);                                                                      \
            _exit(99);                                                                                                \
        }                                                                                                             \
        r_;                                                                                                           \
    })

static int under_llano(void) {
    struct utsname u;
    return uname(&u) == 0 && strstr(u.version, "llano") != NULL;
}

// Starts this program again as `role`; further arguments are argv[2]... and end with NULL.
static pid_t __attribute__((noinline)) spawn_role(const char *role, ...) {
    char *argv[16] = {(char *)"guest", (char *)role};
    va_list args;
    va_start(args, role);
    for (int i = 2; i < 15 && (argv[i] = va_arg(args, char *)); i++) {}
    va_end(args);
    extern char **environ;
    pid_t pid = vfork();
    if (pid == 0) {
        execve("/proc/self/exe", argv, environ);
        _exit(127);
    }
    return MUST(pid);
}
#define SPAWN(...) spawn_role(__VA_ARGS__, NULL)

// The raw wait status of a child.
static int wait_status(pid_t pid) {
    int status = -1;
    while (waitpid(pid, &status, 0) == -1 && errno == EINTR) {}
    return status;
}
#define EXITED(code) ((code) << 8)

// What every forked child begins and ends with; its failures are its own until its status tells them.
static void begin_child(void) {
    ktap_forked = 1;
    ktap_failed = 0;
}
static void __attribute__((noreturn)) leave(void) { _exit(ktap_failed); }
static pid_t fork_child(void) {
    pid_t pid = MUST(fork());
    if (pid == 0) begin_child();
    return pid;
}
#define CHECK_CHILD(pid) CHECK_EQ(wait_status(pid), EXITED(0))

// A gate lets processes wait for each other: whoever passes waits for one open().
struct gate {
    int in, out;
};
static struct gate gate(void) {
    int ends[2];
    MUST(pipe(ends));
    return (struct gate){ends[0], ends[1]};
}
static void open_gate(struct gate g) {
    if (write(g.out, "", 1) != 1) _exit(96);
}
static void pass_gate(struct gate g) {
    char byte;
    while (read(g.in, &byte, 1) != 1)
        if (errno != EINTR) _exit(95);
}

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void sleep_ms(int ms) {
    struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
    while (nanosleep(&t, &t) == -1 && errno == EINTR) {}
}

// Uses so much processor time, or gives up after two seconds of a loaded machine's clock.
static void burn_ms(int ms) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    int64_t end = t.tv_sec * 1000000000LL + t.tv_nsec + ms * 1000000LL, give_up = now_ns() + 2000000000;
    do {
        for (volatile int i = 0; i < 10000; i++) {}
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    } while (t.tv_sec * 1000000000LL + t.tv_nsec < end && now_ns() < give_up);
}

// Waits up to two seconds for a condition that another task brings about.
#define EVENTUALLY(cond)                                                                                              \
    ({                                                                                                                \
        int tries_ = 0;                                                                                               \
        while (!(cond) && tries_++ < 1000) sleep_ms(2);                                                               \
        tries_ <= 1000;                                                                                               \
    })

static void put_file(const char *path, const char *text) {
    int fd = MUST(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644));
    if (write(fd, text, strlen(text)) != (ssize_t)strlen(text)) _exit(99);
    close(fd);
}

// The file's text in a static buffer ("" if it cannot be read); `length` in get_length.
static size_t get_length;
static char *get_file(const char *path) {
    static char text[65536];
    get_length = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = 0;
    if (fd >= 0) {
        while ((n = read(fd, text + get_length, sizeof text - 1 - get_length)) > 0) get_length += n;
        close(fd);
    }
    text[get_length] = 0;
    return text;
}

static char scratch_path[64];
static void remove_tree(int dir, const char *name) {
    if (unlinkat(dir, name, 0) == 0 || (errno != EISDIR && errno != EPERM)) return;
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
    for (struct dirent *e; entries && (e = readdir(entries));)
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..")) remove_tree(fd, e->d_name);
    if (entries) closedir(entries);
    unlinkat(dir, name, AT_REMOVEDIR);
}
// Makes an empty directory the working directory; main() removes it at the end.
static void scratch(void) {
    if (scratch_path[0]) return;
    strcpy(scratch_path, "/tmp/guest-XXXXXX");
    if (!mkdtemp(scratch_path)) MUST(-1);
    MUST(chdir(scratch_path));
}

int main(int argc, char **argv) {
    ktap_argc = argc;
    ktap_argv = argv;
    if (argc > 1) {
        for (const struct ktap_case *r = __start_ktap_roles; r < __stop_ktap_roles; r++)
            if (strcmp(r->name, argv[1]) == 0) {
                r->run();
                return ktap_failed;
            }
        say("# no role %s\n", argv[1]);
        return 97;
    }
    int count = __stop_ktap_tests - __start_ktap_tests, bad = 0;
    say("KTAP version 1\n1..%d\n", count);
    for (int i = 0, last = 0; i < count; i++) {
        const struct ktap_case *next = NULL;
        for (const struct ktap_case *t = __start_ktap_tests; t < __stop_ktap_tests; t++)
            if (t->line > last && (!next || t->line < next->line)) next = t;
        last = next->line;
        ktap_failed = 0;
        ktap_skip = NULL;
        next->run();
        bad += ktap_failed;
        say("%sok %d %s%s%s\n", ktap_failed ? "not " : "", i + 1, next->name, ktap_skip ? " # SKIP " : "",
            ktap_skip ? ktap_skip : "");
    }
    if (scratch_path[0] && chdir("/") == 0) remove_tree(AT_FDCWD, scratch_path);
    return bad != 0;
}

#endif
