// Threads of one process: tasks ROW BUDGET_MS. Prints ns per operation.

#include "bench.h"
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>

static void start(void *(*body)(void *))
{
    pthread_t thread;
    MUST((errno = pthread_create(&thread, NULL, body, NULL)) == 0);
    pthread_detach(thread);
}

// Both tasks do nothing but yield; an operation is one yield of either.
static atomic_long peer_yields;

static void *yield_for_ever(void *unused)
{
    for (;;) {
        MUST(sched_yield() == 0);
        atomic_fetch_add_explicit(&peer_yields, 1, memory_order_relaxed);
    }
    return unused;
}

// Pinned, because yielding to a task on another CPU is not a switch.
static void yield_setup(void)
{
    pin_to_one_cpu();
    start(yield_for_ever);
    while (peer_yields == 0)
        sched_yield();
}

static long yield_to_peer(long n)
{
    long before = peer_yields;
    for (long i = 0; i < n; i++)
        MUST(sched_yield() == 0);
    return n + peer_yields - before;
}

// One word says whose turn it is; whoever finishes hands it over and sleeps on it.
enum { MINE, PEERS };
static atomic_int turn = MINE;

static void hand_over(int to)
{
    atomic_store(&turn, to);
    MUST(syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) >= 0);
}

static void wait_for(int whose)
{
    while (atomic_load(&turn) != whose)
        MUST(syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, !whose, NULL, NULL, 0) == 0 ||
             errno == EAGAIN || errno == EINTR);
}

static void *futex_peer(void *unused)
{
    for (;;) {
        wait_for(PEERS);
        hand_over(MINE);
    }
    return unused;
}

static void futex_setup(void) { start(futex_peer); }

static void futex_pinned_setup(void)
{
    pin_to_one_cpu();
    start(futex_peer);
}

static long futex_round_trip(long n)
{
    for (long i = 0; i < n; i++) {
        hand_over(PEERS);
        wait_for(MINE);
    }
    return n;
}

static void *return_argument(void *argument) { return argument; }

static long create_and_join(long n)
{
    for (long i = 0; i < n; i++) {
        pthread_t thread;
        void *result;
        MUST((errno = pthread_create(&thread, NULL, return_argument, &n)) == 0);
        MUST((errno = pthread_join(thread, &result)) == 0 && result == &n);
    }
    return n;
}

static void nothing(void) {}

static const struct row rows[] = {
    {"yield", yield_setup, yield_to_peer},
    {"futex", futex_setup, futex_round_trip},
    {"futex-pinned", futex_pinned_setup, futex_round_trip},
    {"thread", nothing, create_and_join},
    {"thread-pinned", pin_to_one_cpu, create_and_join},
    {0},
};

int main(int argc, char **argv)
{
    MUST(argc == 3);
    const struct row *row = find_row(rows, argv[1]);
    row->setup();
    printf("%.2f\n", ns_per_unit(row->run, atol(argv[2])));
    return 0;
}
