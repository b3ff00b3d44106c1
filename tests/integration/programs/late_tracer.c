/* Start a child that asks to be traced, as a debugger does, once a line comes in; say whether it
 * may be. */
#include <errno.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	int status = 0;
	pid_t pid;

	if (getchar() == EOF)
		return 1;
	pid = fork();
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0) == 0)
			_exit(0);
		_exit(errno);
	}
	waitpid(pid, &status, 0);
	printf("{\"child\": %d, \"errno\": %d}\n", (int)pid, WEXITSTATUS(status));
	return 0;
}
