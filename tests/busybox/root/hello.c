/* A dynamic musl program with a second thread: the loader, TLS and pthread_join in one line of output. */
#include <pthread.h>
#include <stdio.h>

static _Thread_local int mine = 20;

static void *work(void *arg)
{
	mine += *(int *)arg;
	*(int *)arg = mine;
	return NULL;
}

int main(void)
{
	pthread_t t;
	int n = 22;

	if (pthread_create(&t, NULL, work, &n) || pthread_join(t, NULL))
		return 1;
	printf("hello from musl: %d %d\n", n, mine);
	return 0;
}
