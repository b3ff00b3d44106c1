/* Fork without a pause children that live for about a millisecond, until killed. No SIGCHLD comes
 * between the forks, and nobody waits for the children. */
#define _GNU_SOURCE
#include <signal.h>
#include <unistd.h>

int main(void)
{
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		if (fork() == 0) {
			usleep(1000);
			_exit(0);
		}
		usleep(100);
	}
}
