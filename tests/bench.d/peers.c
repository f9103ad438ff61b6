// Two processes and a channel: peers pipe|unix exec|fork|bandwidth default|pinned BUDGET_MS.
// Prints ns per round trip of one byte, or MB/s of 64 KiB writes.

#include "bench.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { BLOCK = 64 << 10, FILLING = 0x5a };
static char block[BLOCK];

// The two directions as each side sees them; a socket pair uses one descriptor for both.
struct channel {
    int in, out;
};

static struct channel mine, peers;

static void open_pipes(void)
{
    int there[2], back[2];
    MUST(pipe(there) == 0 && pipe(back) == 0);
    mine = (struct channel){back[0], there[1]};
    peers = (struct channel){there[0], back[1]};
}

static void open_sockets(void)
{
    int ends[2];
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    mine = (struct channel){ends[0], ends[0]};
    peers = (struct channel){ends[1], ends[1]};
}

static void close_channel(struct channel c)
{
    close(c.in);
    if (c.out != c.in)
        close(c.out);
}

static int echo(struct channel c)
{
    char byte;
    while (read(c.in, &byte, 1) == 1)
        MUST(write(c.out, &byte, 1) == 1);
    return 0;
}

// Ends when the reader has seen enough: by SIGPIPE, or by ECONNRESET if it left bytes in a socket.
static int pour(struct channel c)
{
    memset(block, FILLING, BLOCK);
    while (write(c.out, block, BLOCK) > 0)
        ;
    MUST(errno == ECONNRESET);
    return 0;
}

static pid_t exec_peer(char *self, char *role)
{
    char in[16], out[16];
    snprintf(in, sizeof in, "%d", peers.in);
    snprintf(out, sizeof out, "%d", peers.out);
    char *argv[] = {self, "peer", role, in, out, NULL};
    fcntl(mine.in, F_SETFD, FD_CLOEXEC);
    fcntl(mine.out, F_SETFD, FD_CLOEXEC);
    pid_t pid = vfork();
    if (pid == 0) {
        execv(self, argv);
        _exit(127);
    }
    MUST(pid > 0);
    return pid;
}

static pid_t fork_echo(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        close_channel(mine);
        _exit(echo(peers));
    }
    if (pid < 0)
        not_available("fork");
    return pid;
}

static long round_trips(long n)
{
    for (long i = 0; i < n; i++) {
        char sent = (char)i, received;
        MUST(write(mine.out, &sent, 1) == 1);
        MUST(read(mine.in, &received, 1) == 1);
        MUST(received == sent);
    }
    return n;
}

static long receive_blocks(long n)
{
    long bytes = 0;
    for (long i = 0; i < n; i++) {
        ssize_t got = read(mine.in, block, BLOCK);
        MUST(got > 0);
        MUST(block[0] == FILLING && block[got - 1] == FILLING);
        block[0] = block[got - 1] = 0;
        bytes += got;
    }
    return bytes;
}

int main(int argc, char **argv)
{
    MUST(argc == 5);
    if (strcmp(argv[1], "peer") == 0) {
        struct channel c = {atoi(argv[3]), atoi(argv[4])};
        return strcmp(argv[2], "echo") == 0 ? echo(c) : pour(c);
    }

    if (strcmp(argv[3], "pinned") == 0)
        pin_to_one_cpu();
    if (strcmp(argv[1], "pipe") == 0)
        open_pipes();
    else
        open_sockets();

    int bandwidth = strcmp(argv[2], "bandwidth") == 0;
    pid_t peer = strcmp(argv[2], "fork") == 0 ? fork_echo()
                                              : exec_peer(argv[0], bandwidth ? "pour" : "echo");
    close_channel(peers);
    double ns = ns_per_unit(bandwidth ? receive_blocks : round_trips, atol(argv[4]));

    close_channel(mine);
    int status;
    MUST(waitpid(peer, &status, 0) == peer);
    MUST(status == 0 || (bandwidth && WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE));
    printf("%.2f\n", bandwidth ? 1e3 / ns : ns);
    return 0;
}
