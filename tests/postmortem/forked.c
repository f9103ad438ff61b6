/* A process and its child, which see different values at one address. */
#include <stdio.h>
#include <unistd.h>

int value = 1111;

int wait_here(void) { return pause(); }

int main(void) {
    int ready[2];
    char byte;
    if (pipe(ready) < 0) return 1;
    pid_t child = fork();
    if (child == 0) {
        value = 2222;
        if (write(ready[1], "x", 1) != 1) return 1;
        return wait_here();
    }
    if (read(ready[0], &byte, 1) != 1) return 1;
    printf("%d\n", child);
    fflush(stdout);
    return wait_here();
}
