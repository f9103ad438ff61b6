// A debugger client that only measures: it replays the packets by which gdb steps, runs to breakpoints and reads memory, and
// prints how many it made a second.
//
//   client PORT ROW COUNT [ADDRESS [BYTES]]...     ROW: steps, hits (of a breakpoint at ADDRESS), reads (of BYTES at ADDRESS)
//
// One connection serves all rows; each prints "ROW BYTES RATE". The system is killed at the end.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int fd, acks = 1;
static char in[1 << 20], out[1 << 12];
static size_t have, used;

static void fail(const char *what)
{
    fprintf(stderr, "client: %s: %.200s\n", what, in);
    exit(1);
}

static void put(const char *body)
{
    unsigned char sum = 0;
    size_t n = 0;
    out[n++] = '$';
    for (const char *p = body; *p; p++)
        sum += (unsigned char)(out[n++] = *p);
    n += sprintf(out + n, "#%02x", sum);
    if (send(fd, out, n, 0) != (ssize_t)n)
        fail("send");
}

// The next packet's body, whose end is where its '#' was.
static char *get(void)
{
    for (;;) {
        char *start = memchr(in + used, '$', have - used);
        char *hash = start ? memchr(start, '#', in + have - start) : NULL;
        if (hash && hash + 2 < in + have) {
            used = hash + 3 - in;
            *hash = 0;
            if (acks)
                send(fd, "+", 1, 0);
            if (used == have && start == in) {
                used = have = 0;
                return in + 1;
            }
            return start + 1;
        }
        if (used) {
            memmove(in, in + used, have - used);
            have -= used;
            used = 0;
        }
        if (have == sizeof in)
            fail("a packet without an end");
        ssize_t n = recv(fd, in + have, sizeof in - have, 0);
        if (n <= 0)
            fail("the server went away");
        have += n;
    }
}

static char *ask(const char *body)
{
    put(body);
    return get();
}

static void expect(const char *body, const char *start)
{
    if (strncmp(ask(body), start, strlen(start)))
        fail(body);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (void *)&server, sizeof server))
        fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    ask("qSupported:multiprocess+;swbreak+;hwbreak+;vContSupported+;no-resumed+;xmlRegisters=i386");
    expect("QStartNoAckMode", "OK");
    acks = 0;
    char thread[64] = "", packet[256], *at = strstr(ask("?"), "thread:");
    if (!at || sscanf(at, "thread:%60[^;]", thread) != 1)
        fail("a stop without a thread");
    for (int i = 2; i + 3 < argc; i += 4) {
        const char *row = argv[i];
        long count = atol(argv[i + 1]), bytes = atol(argv[i + 3]);
        unsigned long address = strtoul(argv[i + 2], NULL, 16);
        char step[128], go[128], insert[64], remove[64];
        sprintf(step, "vCont;s:%s", thread);
        sprintf(go, "vCont;c:%s", thread);
        sprintf(insert, "Z0,%lx,1", address);
        sprintf(remove, "z0,%lx,1", address);
        sprintf(packet, "m%lx,%lx", address, bytes);
        double begin = now();
        for (long n = 0; n < count; n++) {
            if (!strcmp(row, "steps")) {
                expect(step, "T05");
            } else if (!strcmp(row, "hits")) {
                expect(insert, "OK");
                expect(go, "T05");
                expect(remove, "OK");
                expect(step, "T05");
            } else {
                char *body = ask(packet);
                if (*body == 'E' || (bytes < 64 && strlen(body) != 2 * (size_t)bytes && !strchr(body, '*')))
                    fail(packet);
            }
        }
        printf("%s %ld %f\n", row, bytes, count / (now() - begin));
        fflush(stdout);
    }
    put("vKill;1");
    put("k");
    return 0;
}
