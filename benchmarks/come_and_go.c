/* come_and_go LIVE TOTAL: be LIVE sleeping processes, then have TOTAL others come and go.
 *
 * Each is told on standard output, as a line with the count so far, once per hundred; then all
 * that sleep are killed. For memory.py. Build: cc -O2 -o come_and_go come_and_go.c
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void tell(const char *what, int count)
{
	if (count % 100 == 0) {
		printf("%s %d\n", what, count);
		fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	int live = argc > 1 ? atoi(argv[1]) : 0, total = argc > 2 ? atoi(argv[2]) : 0;
	pid_t *sleepers = calloc(live + 1, sizeof *sleepers);

	if (sleepers == NULL)
		return 1;
	for (int i = 1; i <= live; i++) {
		sleepers[i] = fork();
		if (sleepers[i] < 0)
			return 1;
		if (sleepers[i] == 0)
			for (;;)
				pause();
		tell("live", i);
	}
	for (int i = 1; i <= total; i++) {
		pid_t child = fork();
		if (child < 0)
			return 1;
		if (child == 0)
			_exit(0);
		if (waitpid(child, NULL, 0) != child)
			return 1;
		tell("gone", i);
	}
	for (int i = 1; i <= live; i++)
		kill(sleepers[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	return 0;
}
