// One thread, a call three deep, a global that a loop writes, a status.
#include <stdio.h>
#include <stdlib.h>

int counter;
static double ratio = 0.5;

__attribute__((noipa)) static int leaf(int n)
{
    int twice = 2 * n;
    return twice + 1;
}

__attribute__((noipa)) static int middle(int n)
{
    int got = leaf(n);
    counter += got;
    return got;
}

__attribute__((noipa)) static int add(int a, int b)
{
    return a + b;
}

int main(int argc, char **argv)
{
    int sum = 0;
    for (int i = 0; i < 3; i++)
        sum += middle(i);
    sum = add(sum, argc);
    printf("sum %d counter %d ratio %.2f %s\n", sum, counter, ratio, argv[0] ? "named" : "");
    fflush(stdout);
    return sum;
}
