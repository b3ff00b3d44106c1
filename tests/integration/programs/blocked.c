/* Wait in several system calls at once, a thread each, until a line comes in; say which of them
 * have failed. */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int ends[2];
static volatile int over;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

static void *reads(void *unused)
{
	char byte;

	(void)unused;
	return read(ends[0], &byte, 1) == 0 ? NULL : "read";
}

static void *polls(void *unused)
{
	struct pollfd asked = { .fd = ends[0] };

	(void)unused;
	return poll(&asked, 1, 600000) == 1 ? NULL : "poll";
}

static void *selects(void *unused)
{
	fd_set asked;

	(void)unused;
	FD_ZERO(&asked);
	FD_SET(ends[0], &asked);
	return select(ends[0] + 1, &asked, NULL, NULL, NULL) == 1 ? NULL : "select";
}

static void *sleeps(void *unused)
{
	struct timespec time = { .tv_nsec = 300000000 };

	(void)unused;
	while (!over)
		if (nanosleep(&time, NULL))
			return "nanosleep";
	return NULL;
}

static void *locks(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&mutex);
	while (!over)
		pthread_cond_wait(&cond, &mutex);
	pthread_mutex_unlock(&mutex);
	return NULL;
}

static void *waits(void *child)
{
	return waitpid(*(pid_t *)child, NULL, 0) > 0 ? NULL : "waitpid";
}

int main(void)
{
	static void *(*const works[])(void *) = { reads, polls, selects, sleeps, locks, waits };
	enum { COUNT = sizeof(works) / sizeof(*works) };
	pthread_t threads[COUNT];
	const char *failed = "";
	void *result;
	pid_t child;
	int i;

	if (pipe(ends))
		return 1;
	child = fork();
	if (child == 0) {
		char byte;

		close(ends[1]);
		_exit(read(ends[0], &byte, 1) != 0);
	}
	for (i = 0; i < COUNT; i++)
		pthread_create(&threads[i], NULL, works[i], &child);
	printf("{\"ready\": %d}\n", COUNT);
	fflush(stdout);
	getchar();
	over = 1;
	close(ends[1]);
	pthread_mutex_lock(&mutex);
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&mutex);
	for (i = 0; i < COUNT; i++) {
		pthread_join(threads[i], &result);
		if (result)
			failed = result;
	}
	printf("{\"failed\": \"%s\"}\n", failed);
	return 0;
}
