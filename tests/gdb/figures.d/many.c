// Fifty tasks; linked with libraries that are made for it.
#include <pthread.h>
#include <unistd.h>

void ready(void) {}

static void *waits(void *arg)
{
    pause();
    return arg;
}

int main(void)
{
    pthread_t t;
    for (int i = 0; i < 49; i++)
        if (pthread_create(&t, NULL, waits, NULL))
            return 1;
    ready();
    pause();
    return 0;
}
