/* Dies three calls deep, by reading where nothing is. */
#include <unistd.h>

static int depth_three(int *p) { return *p + 1; }

int depth_two(int *p) { return depth_three(p) * 2; }

int depth_one(long where) { return depth_two((int *)where) + 3; }

int main(void) {
    if (write(1, "before\n", 7) != 7) return 1;
    return depth_one(0x1234);
}
