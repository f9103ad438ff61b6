// What is debugged: a function called for ever, 256 MB of memory, and calls nested twenty deep.
#include <string.h>

char memory[256 << 20];
volatile unsigned long count, sum;

__attribute__((noinline)) void hot(unsigned long n)
{
    sum += n;
    __asm__ volatile("");
}

__attribute__((noinline)) void deep(int more)
{
    if (more)
        deep(more - 1);
    else
        hot(count);
    __asm__ volatile("");
}

int main(void)
{
    for (unsigned long i = 0; i < sizeof memory; i++)
        memory[i] = (char)(i * 0x9e3779b97f4a7c15ul >> 56);
    for (;;) {
        hot(count++);
        if (count % 16 == 0)
            deep(20);
    }
}
