// Two processes talk through pipes: ping-pong, end of file at the other's end; pipe(7).
// syscalls: read write pipe2
#include "ktap.h"

ROLE(echo) {
    int in = atoi(ktap_argv[2]), out = atoi(ktap_argv[3]);
    char c;
    while (read(in, &c, 1) == 1) {
        c++;
        if (write(out, &c, 1) != 1) _exit(2);
    }
    _exit(8);
}

TEST(thousand_round_trips) {
    int a[2], b[2];
    char in[8], out[8];
    MUST(pipe2(a, O_CLOEXEC) | pipe2(b, O_CLOEXEC));
    snprintf(in, sizeof in, "%d", MUST(dup(a[0])));
    snprintf(out, sizeof out, "%d", MUST(dup(b[1])));
    pid_t pid = SPAWN("echo", in, out);
    close(b[1]);
    for (int i = 0; i < 1000; i++) {
        char c = i % 100;
        CHECK_EQ(write(a[1], &c, 1), 1);
        CHECK_EQ(read(b[0], &c, 1), 1);
        CHECK_EQ(c, i % 100 + 1);
    }
    close(a[1]);
    CHECK_EQ(wait_status(pid), EXITED(8));
}
