// What every benchmark program shares: a clock, a check, and a measurement that
// calibrates itself. A program prints exactly one number on stdout.

#ifndef BENCH_H
#define BENCH_H

#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// Exit status that means "this kernel does not have what the row needs".
enum { NOT_AVAILABLE = 77 };

// Every operation is checked: a call that fails fast must not look like a fast call.
#define MUST(condition)                                                            \
    do {                                                                           \
        if (__builtin_expect(!(condition), 0)) {                                   \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #condition,     \
                    strerror(errno));                                              \
            exit(1);                                                               \
        }                                                                          \
    } while (0)

static inline long now_ns(void)
{
    struct timespec now;
    MUST(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return now.tv_sec * 1000000000L + now.tv_nsec;
}

static inline void not_available(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(NOT_AVAILABLE);
}

// Two tasks on one CPU: what llano always has, and what a native run gets when asked.
static inline void pin_to_one_cpu(void)
{
    cpu_set_t allowed, one;
    CPU_ZERO(&one);
    MUST(sched_getaffinity(0, sizeof allowed, &allowed) == 0);
    for (int cpu = CPU_SETSIZE - 1; cpu >= 0; cpu--) {
        if (CPU_ISSET(cpu, &allowed)) {
            CPU_SET(cpu, &one);
            break;
        }
    }
    MUST(sched_setaffinity(0, sizeof one, &one) == 0);
}

// Does `iterations` of the row's work and returns how many units (operations or bytes) it did.
typedef long row_fn(long iterations);

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// ns per unit: the median of five slices that together take about `budget_ms`.
static inline double ns_per_unit(row_fn *run, long budget_ms)
{
    enum { SLICES = 5 };
    long slice_ns = budget_ms * 1000000L / SLICES, iterations = 1, took;
    for (;;) {
        long start = now_ns();
        run(iterations);
        took = now_ns() - start;
        if (took >= slice_ns / 4)
            break;
        iterations *= took > slice_ns / 100 ? 2 : 8;
    }
    iterations = (long)((double)iterations * slice_ns / took);
    if (iterations < 1)
        iterations = 1;

    double slices[SLICES];
    for (int i = 0; i < SLICES; i++) {
        long start = now_ns();
        long units = run(iterations);
        slices[i] = (double)(now_ns() - start) / units;
    }
    qsort(slices, SLICES, sizeof slices[0], compare_doubles);
    return slices[SLICES / 2];
}

struct row {
    const char *name;
    void (*setup)(void);
    row_fn *run;
};

static inline const struct row *find_row(const struct row *rows, const char *name)
{
    for (; rows->name; rows++)
        if (strcmp(rows->name, name) == 0)
            return rows;
    fprintf(stderr, "unknown row %s\n", name);
    exit(2);
}

#endif
