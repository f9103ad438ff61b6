// Every register - general, vector, mask, x87, MXCSR - holds across calls of every kind: quick, blocking with a switch to a
// thread that dirties everything, interrupted by a handler that does, and those that make a task; syscalls(2).
// syscalls: read write futex nanosleep kill clone wait4 rt_sigaction rt_sigreturn sched_yield mmap
// needs: threads
#include "registers.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>

enum { TIMES = 200 };

TEST(calls_that_return_at_once) {
    for (int i = 0; i < TIMES; i++) {
        CHECK_EQ(HELD(SYS_getppid, any(), any(), any(), any(), any(), any()), getppid());
        CHECK_EQ(HELD(SYS_sched_yield, any(), any(), any(), any(), any(), any()), 0);
        CHECK_EQ(HELD(SYS_read, -1, 0, 0), -EBADF);
        CHECK_EQ(HELD(1000 + i, any(), any(), any(), any(), any(), any()), -ENOSYS);
        long map = HELD(SYS_mmap, 0, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(map > 0);
        CHECK_EQ(HELD(SYS_munmap, map, 65536), 0);
    }
}

static int there[2], back[2], word;
static void *echo(void *unused) {
    char byte;
    (void)unused;
    while (dirty(), read(there[0], &byte, 1) == 1) {
        dirty();
        if (byte == 'f') {
            // Until it sleeps: a wake-up that finds nobody returns 0.
            while (dirty(), syscall(SYS_futex, &word, FUTEX_WAKE, 1) == 0) sched_yield();
        } else if (write(back[1], &byte, 1) != 1) {
            break;
        }
    }
    return NULL;
}
TEST(blocked_while_a_thread_dirties_everything) {
    pthread_t thread;
    char byte = 0;
    choose();
    MUST(pipe(there));
    MUST(pipe(back));
    CHECK_EQ(pthread_create(&thread, NULL, echo, NULL), 0);
    for (int i = 0; i < TIMES; i++) {
        CHECK_EQ(HELD(SYS_write, there[1], "a", 1), 1);
        CHECK_EQ(HELD(SYS_read, back[0], &byte, 1), 1);
        CHECK_EQ(byte, 'a');
        CHECK_EQ(HELD(SYS_write, there[1], "f", 1), 1);
        CHECK_EQ(HELD(SYS_futex, &word, FUTEX_WAIT, 0, 0), 0);
        struct timespec little = {0, 1000};
        if (i < 20) CHECK_EQ(HELD(SYS_nanosleep, &little, 0), 0);
    }
    close(there[1]);
    CHECK_EQ(pthread_join(thread, NULL), 0);
}

static volatile int handled;
static void dirty_handler(int sig) {
    (void)sig;
    handled++;
    dirty();
}
TEST(interrupted_by_a_handler_that_dirties_everything) {
    struct sigaction act = {.sa_handler = dirty_handler, .sa_flags = SA_RESTART};
    choose();
    MUST(sigaction(SIGUSR1, &act, NULL));
    for (int i = 1; i <= TIMES; i++) {
        CHECK_EQ(HELD(SYS_kill, getpid(), SIGUSR1), 0);
        CHECK_EQ(handled, i);
    }
    // In the middle of a wait, which fails then and, restarted, does not.
    act.sa_flags = 0;
    MUST(sigaction(SIGALRM, &act, NULL));
    for (int i = 0; i < 5; i++) {
        ualarm(2000, 0);
        CHECK_EQ(HELD(SYS_pause, 0), -EINTR);
    }
}

static void child_end(void) {
    _exit(holds() ? 7 : 1);
}
static uint64_t child_stack[1024] __attribute__((aligned(16)));
TEST(children_find_the_parents_registers) {
    int status;
    choose();
    for (int i = 0; i < 20; i++) {
        prepare(SIGCHLD, 0, 0, 0, 0, 0);
        long pid = round_trip(SYS_clone);
        if (pid == 0) child_end();
        CHECK(pid > 0);
        CHECK(holds());
        CHECK_EQ(HELD(SYS_wait4, pid, &status, 0, 0), pid);
        CHECK_EQ(status, EXITED(7));
    }
    for (int i = 0; i < 20; i++) {
        // Six registers that are popped, the return address.
        uint64_t *top = child_stack + 1000;
        top[6] = (uint64_t)child_end;
        long pid = HELD(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, top);
        CHECK(pid > 0);
        CHECK_EQ(HELD(SYS_wait4, pid, &status, 0, 0), pid);
        CHECK_EQ(status, EXITED(7));
    }
}
