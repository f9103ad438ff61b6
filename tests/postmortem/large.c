/* Much address space, little memory, and half of that zeroes. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

char *large_block;

int main(void) {
    large_block = mmap(0, 1l << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (large_block == MAP_FAILED) return 1;
    memset(large_block, 7, 8 << 20);
    memset(large_block + (8 << 20), 0, 8 << 20);
    abort();
}
