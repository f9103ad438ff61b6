// Memory as several processes see it, for gdb to look at. The first argument says what happens.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

int value = 1;
const volatile int fixed = 77;
char big[1 << 20];
int *shared;
char *hidden;
static int pipes[2][2];

__attribute__((noinline)) int twice(int n)
{
    return 2 * n;
}

__attribute__((noinline)) void parent_side(void)
{
    __asm__ volatile("");
}

__attribute__((noinline)) void child_side(void)
{
    __asm__ volatile("");
}

static void put(int *pipe)
{
    if (write(pipe[1], "x", 1) != 1)
        _exit(90);
}

static void get(int *pipe)
{
    char c;
    if (read(pipe[0], &c, 1) != 1)
        _exit(91);
}

// Parent and child write what both inherited; what gdb writes into one of them must be that one's alone.
static int forked(void)
{
    shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    hidden = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    strcpy(hidden, "behind the fence");
    mprotect(hidden, 4096, PROT_NONE);
    *shared = 10;
    if (pipe(pipes[0]) || pipe(pipes[1]))
        return 92;
    pid_t child = fork();
    if (child == 0) {
        value = 2;
        child_side();
        put(pipes[0]);
        get(pipes[1]);
        *shared += 1;
        return value == 22 && big[500000] == 7 && fixed == 78 ? twice(21) : 1;
    }
    get(pipes[0]);
    value = 3;
    parent_side();
    put(pipes[1]);
    int status;
    waitpid(child, &status, 0);
    int own = value == 3 && big[500000] == 0 && fixed == 77 && twice(4) == 8;
    return own && *shared == 12 && WEXITSTATUS(status) == 42 ? 0 : 2;
}

// Reads its own text in all the ways that go through the kernel.
static int readers(void)
{
    unsigned char seen[3][16], *code = (unsigned char *)twice;
    int self = open("/proc/self/mem", O_RDONLY);
    struct iovec to = {seen[1], 16}, from = {code, 16};
    pread(self, seen[0], 16, (off_t)code);
    process_vm_readv(getpid(), &to, 1, &from, 1, 0);
    int bad = memchr(seen[0], 0xcc, 16) || memchr(seen[1], 0xcc, 16);
    return bad ? 1 : twice(2) == 4 ? 0 : 2;
}

// Code made at run time, forked and written anew.
static int made(void)
{
    static const unsigned char one[] = {0xb8, 1, 0, 0, 0, 0xc3}, two[] = {0xb8, 2, 0, 0, 0, 0xc3};
    char *code = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int (*run)(void) = (int (*)(void))code;
    memcpy(code, one, sizeof one);
    hidden = code;
    parent_side();
    int first = run();
    pid_t child = fork();
    if (child == 0)
        return run() + 10;
    int status;
    waitpid(child, &status, 0);
    memcpy(code, two, sizeof two);
    int second = run();
    return first == 1 && WEXITSTATUS(status) == 11 && second == 2 ? 0 : 1;
}

// The same program at the same place once more, and another one.
static int again(char **argv)
{
    twice(1);
    if (argv[2])
        execv(argv[2], argv + 2);
    return 0;
}

int main(int argc, char **argv)
{
    char *what = argc > 1 ? argv[1] : "";
    if (!strcmp(what, "fork"))
        return forked();
    if (!strcmp(what, "readers"))
        return readers();
    if (!strcmp(what, "made"))
        return made();
    return again(argv);
}
