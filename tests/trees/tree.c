// Random trees of processes, each of which knows what every page of its memory must hold.
//
//   tree FIRST COUNT SECONDS OTHER    one tree a seed from FIRST, COUNT of them (0: until SECONDS are over)
//   tree node SEED BUDGET DEPTH FD OTHER      a process of a tree that was started by exec
//
// A process makes, writes, changes and drops maps, forks, execs itself or OTHER (the same program, linked another way), starts
// threads, and at random moments compares all of its memory with its model. Its digest goes to its parent through a pipe, so that a
// tree has one digest, which depends on the seed alone: the same on every kernel. A wrong page ends in a line on stderr and status 1.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, REGIONS = 24, LARGEST = 2048, CHILDREN = 4, STATIC_PAGES = 40 };

// A range whose page `i` was filled from `stamps[i]`; 0 is a page of zeros.
struct region {
    char *at;
    int pages, shared;
    uint32_t *stamps;
};
struct child {
    pid_t pid;
    int fd, killed, slot;
    uint64_t seed;
};

static struct region regions[REGIONS];
static struct child children[CHILDREN];
static int region_count, child_count, budget, depth;
static uint64_t state, digest, self_seed;
static char *self, *other;
static char zeros[STATIC_PAGES * PAGE] __attribute__((aligned(PAGE)));
static char data[STATIC_PAGES * PAGE] __attribute__((aligned(PAGE))) = {0};
static uint32_t *slots; // shared with the parent and its other children: one word each
static volatile long ticks;

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...) {
    char text[300];
    int n = snprintf(text, sizeof text, "tree: process %d, seed %llx, depth %d: ", getpid(), (unsigned long long)self_seed, depth);
    va_list args;
    va_start(args, format);
    n += vsnprintf(text + n, sizeof text - n - 1, format, args);
    va_end(args);
    text[n++] = '\n';
    if (write(2, text, n) != n) _exit(2);
    _exit(1);
}
#define MUST(call) ({ __typeof__(call) r_ = (call); if ((long)r_ == -1) die("%s: %s", #call, strerror(errno)); r_; })

static uint64_t mix(uint64_t x) {
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}
static uint64_t next(void) { return mix(state += 0x9e3779b97f4a7c15); }
static int pick(int n) { return next() % n; }

// ---- memory and its model ---------------------------------------------------------------------
static uint64_t word_of(uint32_t stamp, int i) { return stamp ? (stamp * 0x9e3779b97f4a7c15ull) + i : 0; }

static void fill(struct region *r, int page, uint32_t stamp) {
    uint64_t *words = (uint64_t *)(r->at + page * PAGE);
    for (int i = 0; i < PAGE / 8; i++) words[i] = word_of(stamp, i);
    r->stamps[page] = stamp;
}

static void check(struct region *r) {
    for (int page = 0; page < r->pages; page++) {
        uint64_t *words = (uint64_t *)(r->at + page * PAGE);
        for (int i = 0; i < PAGE / 8; i++)
            if (words[i] != word_of(r->stamps[page], i))
                die("page %d of %d at %p, word %d: %llx instead of %llx", page, r->pages, (void *)r->at, i,
                    (unsigned long long)words[i], (unsigned long long)word_of(r->stamps[page], i));
        digest = mix(digest + r->stamps[page]);
    }
}
static void check_all(void) {
    for (int i = 0; i < region_count; i++) check(&regions[i]);
}

static void add(char *at, int pages, int shared) {
    regions[region_count++] = (struct region){at, pages, shared, calloc(pages, sizeof(uint32_t))};
}

// Some pages of a region, or all of them.
static void write_some(struct region *r) {
    if (r->shared) return;
    int count = pick(3) ? 1 + pick(8) : r->pages;
    for (int i = 0; i < count; i++) fill(r, count == r->pages ? i : pick(r->pages), (uint32_t)next() | 1);
}

static int size(void) { return pick(40) == 0 ? LARGEST : pick(4) ? 1 + pick(20) : 1 + pick(256); }

static void make_map(void) {
    if (region_count == REGIONS) return;
    int pages = size();
    add(MUST(mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)), pages, 0);
    write_some(&regions[region_count - 1]);
}

// A private map of a file, whose pages come from it until they are written.
static void make_file_map(void) {
    if (region_count == REGIONS) return;
    int pages = 1 + pick(32), fd = MUST(memfd_create("tree", MFD_CLOEXEC));
    char page[PAGE];
    struct region source = {page, 1, 0, (uint32_t[1]){0}};
    uint32_t first = (uint32_t)next();
    for (int i = 0; i < pages; i++) {
        fill(&source, 0, first + i);
        if (write(fd, page, PAGE) != PAGE) die("short write");
    }
    add(MUST(mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0)), pages, 0);
    for (int i = 0; i < pages; i++) regions[region_count - 1].stamps[i] = first + i;
    close(fd);
}

// The first three regions (bss, data, heap) stay.
static struct region *dispensable(void) { return region_count > 3 ? &regions[3 + pick(region_count - 3)] : NULL; }

static void drop(struct region *r) {
    MUST(munmap(r->at, r->pages * PAGE));
    free(r->stamps);
    *r = regions[--region_count];
}

static char *copy(struct region *r, size_t length) {
    char *to = MUST(mmap(NULL, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    MUST(mmap(to, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    memcpy(to, r->at, r->pages * PAGE);
    MUST(munmap(r->at, r->pages * PAGE));
    return to;
}

static void change_map(struct region *r) {
    size_t length = r->pages * PAGE;
    int from = pick(r->pages), count = 1 + pick(r->pages - from);
    switch (pick(6)) {
    case 0: drop(r); break;
    case 1:
        MUST(mprotect(r->at + from * PAGE, count * PAGE, PROT_READ));
        check(r);
        if (pick(2)) MUST(mprotect(r->at, length, PROT_NONE));
        MUST(mprotect(r->at, length, PROT_READ | PROT_WRITE));
        break;
    case 2:
        MUST(mmap(r->at + from * PAGE, count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
        memset(r->stamps + from, 0, count * sizeof(uint32_t));
        break;
    case 3: {
        int more = 1 + pick(20);
        char *to = mremap(r->at, length, length + more * PAGE, MREMAP_MAYMOVE);
        r->at = to == MAP_FAILED ? copy(r, length + more * PAGE) : to; // EFAULT: it has become several maps
        r->stamps = realloc(r->stamps, (r->pages + more) * sizeof(uint32_t));
        memset(r->stamps + r->pages, 0, more * sizeof(uint32_t));
        r->pages += more;
        // Behind a file's end is nothing: anonymous pages take the place.
        MUST(mmap(r->at + length, more * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
        break;
    }
    case 4:
        if (r->pages > 1) {
            int keep = 1 + pick(r->pages - 1);
            MUST(munmap(r->at + keep * PAGE, (r->pages - keep) * PAGE));
            r->pages = keep;
        }
        break;
    case 5: r->at = copy(r, length); break;
    }
}

// ---- processes ----------------------------------------------------------------------------------
static void live(void) __attribute__((noreturn));

static void tick(int sig) {
    char frame[1500];
    memset(frame, sig, sizeof frame);
    ticks = ticks + frame[ticks % sizeof frame];
}

static void begin(uint64_t seed, int share, int below) {
    self_seed = state = seed;
    digest = 0;
    budget = share;
    depth = below;
    child_count = 0;
}

static void collect(int i) {
    struct child c = children[i];
    uint64_t told = 0;
    int status = -1;
    ssize_t n;
    while ((n = read(c.fd, &told, sizeof told)) == -1 && errno == EINTR) {}
    if (n != sizeof told) die("child %d of seed %llx said nothing (%zd)", c.pid, (unsigned long long)c.seed, n);
    close(c.fd);
    while (waitpid(c.pid, &status, 0) == -1 && errno == EINTR) {}
    if (status != (c.killed ? SIGKILL : (int)(told & 127) << 8)) die("child %d: status %x", c.pid, status);
    if (c.slot >= 0 && slots[c.slot] != (uint32_t)c.seed) die("child %d left %x in its shared word", c.pid, slots[c.slot]);
    if (c.slot >= 0) slots[c.slot] = 0;
    digest = mix(digest ^ told);
    children[i] = children[--child_count];
}

static int report_fd, end_by_signal;
static void finish(void) {
    while (child_count) collect(0);
    check_all();
    if (write(report_fd, &digest, sizeof digest) != sizeof digest) die("report");
    if (end_by_signal) kill(getpid(), SIGKILL);
    _exit(digest & 127);
}

// A forked child goes on with the parent's memory, or execs: from the fork, or by vfork.
static void have_child(void) {
    if (budget < 2 || depth > 40) return;
    if (child_count == CHILDREN) collect(pick(CHILDREN));
    struct child c = {.seed = next(), .slot = -1};
    int share = 1 + pick(budget - 1), way = pick(8), report[2], slot = 0;
    budget -= share;
    while (slots[slot]) slot++;
    MUST(pipe2(report, O_CLOEXEC));
    c.fd = report[0];
    if (way < 6) c.killed = pick(6) == 0, c.slot = slot, slots[slot] = 1;
    char text[4][24];
    snprintf(text[0], 24, "%llu", (unsigned long long)c.seed);
    snprintf(text[1], 24, "%d", share);
    snprintf(text[2], 24, "%d", depth + 1);
    snprintf(text[3], 24, "%d", report[1]);
    char *program = pick(2) ? self : other, *argv[] = {program, "node", text[0], text[1], text[2], text[3], program == self ? other : self, NULL};
    c.pid = way == 7 ? vfork() : fork();
    if (c.pid == -1) die("fork: %s", strerror(errno));
    if (c.pid == 0) {
        if (way < 6) {
            for (int i = 0; i < child_count; i++) close(children[i].fd);
            close(report[0]);
            close(report_fd);
            uint32_t *parents = slots;
            begin(c.seed, share, depth + 1);
            report_fd = report[1];
            end_by_signal = c.killed;
            slots = MUST(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
            parents[slot] = (uint32_t)c.seed;
            live();
        }
        if (way == 6 && region_count) write_some(&regions[0]);
        fcntl(report[1], F_SETFD, 0);
        execv(program, argv);
        _exit(127);
    }
    close(report[1]);
    children[child_count++] = c;
}

// A thread writes a map of its own while the process forks: what it had written by then, only the parent knows.
struct work {
    struct region region;
    volatile int stop;
};
static void *write_on(void *arg) {
    struct work *work = arg;
    for (uint32_t i = 1; !work->stop; i++) fill(&work->region, i % work->region.pages, i);
    return NULL;
}
static void with_thread(void) {
    struct work work = {.stop = 0};
    pthread_t thread;
    work.region = (struct region){MUST(mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)), 16, 0,
                                  calloc(16, sizeof(uint32_t))};
    if (pthread_create(&thread, NULL, write_on, &work)) die("no thread");
    have_child();
    for (int i = pick(5); i >= 0; i--) sched_yield();
    work.stop = 1;
    pthread_join(thread, NULL);
    uint64_t before = digest;
    check(&work.region);
    digest = before;
    MUST(munmap(work.region.at, 16 * PAGE));
    free(work.region.stamps);
}

static void live(void) {
    signal(SIGALRM, tick);
    struct itimerval often = {{0, 1000 + pick(5000)}, {0, 1000}};
    if (pick(4) == 0) MUST(setitimer(ITIMER_REAL, &often, NULL));
    for (int steps = 4 + pick(24); steps > 0; steps--) {
        struct region *r = pick(4) ? &regions[pick(region_count)] : dispensable();
        switch (pick(12)) {
        case 0: case 1: case 2: if (r) write_some(r); break;
        case 3: make_map(); break;
        case 4: make_file_map(); break;
        case 5: if ((r = dispensable())) change_map(r); break;
        case 6: check_all(); break;
        case 7: case 8: case 9: have_child(); break;
        case 10: if (child_count) collect(pick(child_count)); else sched_yield(); break;
        case 11: if (pick(3) == 0) with_thread(); break;
        }
    }
    while (budget > 4 && depth == 0) have_child();
    finish();
    abort();
}

// A fresh program: its own memory, as the loader made it.
static void __attribute__((noreturn)) fresh(uint64_t seed, int share, int below, int fd) {
    begin(seed, share, below);
    report_fd = fd;
    MUST(fcntl(fd, F_SETFD, FD_CLOEXEC));
    slots = MUST(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    add(zeros, STATIC_PAGES, 0);
    add(data, STATIC_PAGES, 0);
    add(aligned_alloc(PAGE, 8 * PAGE), 8, 0);
    memset(regions[2].at, 0, 8 * PAGE);
    check_all();
    live();
}

int main(int argc, char **argv) {
    self = argv[0];
    if (argc == 7 && strcmp(argv[1], "node") == 0) {
        other = argv[6];
        fresh(strtoull(argv[2], NULL, 10), atoi(argv[3]), atoi(argv[4]), atoi(argv[5]));
    }
    if (argc != 5) return 2;
    other = argv[4];
    long count = atol(argv[2]);
    time_t end = time(NULL) + atol(argv[3]);
    for (uint64_t seed = strtoull(argv[1], NULL, 10); count ? count-- > 0 : time(NULL) < end; seed++) {
        int report[2], status = -1;
        uint64_t told = 0;
        MUST(pipe2(report, O_CLOEXEC));
        pid_t pid = MUST(fork());
        if (pid == 0) fresh(mix(seed), 60, 0, report[1]);
        close(report[1]);
        if (read(report[0], &told, sizeof told) != sizeof told) die("seed %llu: no digest", (unsigned long long)seed);
        close(report[0]);
        MUST(waitpid(pid, &status, 0));
        if (status != (int)(told & 127) << 8) die("seed %llu: status %x", (unsigned long long)seed, status);
        printf("%llu %016llx\n", (unsigned long long)seed, (unsigned long long)told);
        fflush(stdout);
    }
    return 0;
}
