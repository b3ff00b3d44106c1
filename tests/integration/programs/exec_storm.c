/* Execute itself again and again, each time from a thread that is not the leader, with siblings.
 * The argument is how many times. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char **arguments;

static void *idle(void *unused)
{
	(void)unused;
	pause();
	return NULL;
}

static void *execute(void *unused)
{
	(void)unused;
	usleep(500);
	execv("/proc/self/exe", arguments);
	_exit(1);
	return NULL;
}

int main(int argc, char **argv)
{
	static char left[16];
	pthread_t thread;
	int i, count = argc > 1 ? atoi(argv[1]) : 0;

	if (count <= 0)
		return 0;
	snprintf(left, sizeof(left), "%d", count - 1);
	argv[1] = left;
	arguments = argv;
	for (i = 0; i < 8; i++)
		pthread_create(&thread, NULL, idle, NULL);
	pthread_create(&thread, NULL, execute, NULL);
	pause();
	return 1;
}
