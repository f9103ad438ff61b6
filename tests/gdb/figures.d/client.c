// A debugger client that only measures: it replays the packets by which gdb steps, runs to breakpoints and reads memory.
//
//   client rows ROUNDS PORT[,PORT]... [ROW COUNT ADDRESS BYTES]...
//       each row on each server in turn, ROUNDS times; prints "PORT ROW BYTES RATE". Rows: steps, hits (of a breakpoint at
//       ADDRESS), reads (of BYTES at ADDRESS), ahead (the same, asked for 16 at a time). Kills the systems at the end.
//   client run PORT
//       lets the system run until it ends
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define AHEAD 16

struct server {
    int port, fd, acks;
    char thread[64];
    size_t have, used;
    char in[1 << 18];
};

static void fail(const char *what, const char *got)
{
    fprintf(stderr, "client: %s: %.200s\n", what, got);
    exit(1);
}

static size_t frame(char *out, const char *body)
{
    unsigned char sum = 0;
    size_t n = strlen(body);
    for (size_t i = 0; i < n; i++)
        sum += (unsigned char)body[i];
    return sprintf(out, "$%s#%02x", body, sum);
}

static void put(struct server *s, const char *bytes, size_t n)
{
    if (send(s->fd, bytes, n, MSG_NOSIGNAL) != (ssize_t)n)
        fail("send", bytes);
}

// The next packet's body, whose end is where its '#' was.
static char *get(struct server *s)
{
    for (;;) {
        char *start = memchr(s->in + s->used, '$', s->have - s->used);
        char *hash = start ? memchr(start, '#', s->in + s->have - start) : NULL;
        if (hash && hash + 2 < s->in + s->have) {
            s->used = hash + 3 - s->in;
            *hash = 0;
            if (s->acks)
                put(s, "+", 1);
            return start + 1;
        }
        memmove(s->in, s->in + s->used, s->have -= s->used);
        s->used = 0;
        if (s->have == sizeof s->in)
            fail("a packet without an end", s->in);
        ssize_t n = recv(s->fd, s->in + s->have, sizeof s->in - s->have, 0);
        if (n <= 0)
            fail("the server went away", s->in);
        s->have += n;
    }
}

static char *ask(struct server *s, const char *body)
{
    char out[512];
    put(s, out, frame(out, body));
    return get(s);
}

static void expect(struct server *s, const char *body, const char *start)
{
    char *got = ask(s, body);
    if (strncmp(got, start, strlen(start)))
        fail(body, got);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void attach(struct server *s)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(s->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    s->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(s->fd, (void *)&to, sizeof to))
        fail("connect", "");
    setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    s->acks = 1;
    ask(s, "qSupported:multiprocess+;swbreak+;hwbreak+;vContSupported+;no-resumed+;xmlRegisters=i386");
    expect(s, "QStartNoAckMode", "OK");
    s->acks = 0;
    char *at = strstr(ask(s, "?"), "thread:");
    if (!at || sscanf(at, "thread:%60[^;]", s->thread) != 1)
        fail("a stop without a thread", s->in);
}

static double measure(struct server *s, const char *row, long count, const char *address, long bytes)
{
    char step[128], go[128], insert[64], take[64], read[64], all[AHEAD * 64];
    size_t size = 0;
    sprintf(step, "vCont;s:%s", s->thread);
    sprintf(go, "vCont;c:%s", s->thread);
    sprintf(insert, "Z0,%s,1", address);
    sprintf(take, "z0,%s,1", address);
    sprintf(read, "m%s,%lx", address, bytes);
    for (int i = 0; i < AHEAD; i++)
        size += frame(all + size, read);
    double begin = now();
    for (long n = 0; n < count; n++) {
        if (!strcmp(row, "steps")) {
            expect(s, step, "T05");
        } else if (!strcmp(row, "hits")) {
            expect(s, insert, "OK");
            expect(s, go, "T05");
            expect(s, take, "OK");
            expect(s, step, "T05");
        } else if (!strcmp(row, "reads")) {
            if (*ask(s, read) == 'E')
                fail(read, s->in);
        } else {
            put(s, all, size);
            for (int i = 0; i < AHEAD; i++)
                if (*get(s) == 'E')
                    fail(read, s->in);
            n += AHEAD - 1;
        }
    }
    return count / (now() - begin);
}

int main(int argc, char **argv)
{
    static struct server servers[2];
    char out[64];
    if (argc == 3 && !strcmp(argv[1], "run")) {
        servers->port = atoi(argv[2]);
        attach(servers);
        for (char *got = ask(servers, "vCont;c"); *got != 'W' && *got != 'X';)
            got = ask(servers, "vCont;c");
        return 0;
    }
    int count = 0, rounds = atoi(argv[2]);
    for (char *port = strtok(argv[3], ","); port && count < 2; port = strtok(NULL, ",")) {
        servers[count].port = atoi(port);
        attach(&servers[count++]);
    }
    for (int round = 0; round < rounds; round++)
        for (int i = 4; i + 3 < argc; i += 4)
            for (int n = 0; n < count; n++) {
                struct server *s = &servers[(n + round) % count];
                double rate = measure(s, argv[i], atol(argv[i + 1]), argv[i + 2], atol(argv[i + 3]));
                printf("%d %s %s %f\n", s->port, argv[i], argv[i + 3], rate);
                fflush(stdout);
            }
    for (int n = 0; n < count; n++)
        put(&servers[n], out, frame(out, "vKill;1"));
    return 0;
}
