/* N round trips of one byte over two pipes between two threads: 4 N system calls and 2 N switches. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int there[2], back[2];
static long rounds;

static void *echo(void *unused)
{
	char c;

	for (long i = 0; i < rounds; i++)
		if (read(there[0], &c, 1) != 1 || write(back[1], &c, 1) != 1)
			exit(1);
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t peer;
	char c = 0;

	rounds = argc > 1 ? atol(argv[1]) : 100000;
	if (pipe(there) || pipe(back) || pthread_create(&peer, NULL, echo, NULL))
		return 1;
	for (long i = 0; i < rounds; i++)
		if (write(there[1], &c, 1) != 1 || read(back[0], &c, 1) != 1)
			return 1;
	pthread_join(peer, NULL);
	printf("%ld\n", rounds);
	return 0;
}
