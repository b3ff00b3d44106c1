/* Trace a command and all that it starts, and do nothing with it: wait, and continue.
 *
 * What any tracer of fork, exec and exit events must spend. Compared with by overhead.py.
 * Build: cc -O2 -o minimal_tracer minimal_tracer.c
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static int is_stopping(int sig)
{
	return sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

int main(int argc, char **argv)
{
	int gate[2], status, result = 0;
	long options = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
		       PTRACE_O_TRACEEXEC;
	pid_t root, pid;

	if (argc < 2 || pipe(gate))
		return 125;
	root = fork();
	if (root == 0) {
		char byte;
		close(gate[1]);
		if (read(gate[0], &byte, 1) != 1)
			_exit(125);
		close(gate[0]);
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	if (root < 0 || ptrace(PTRACE_SEIZE, root, 0, options))
		return 125;
	if (write(gate[1], "g", 1) != 1)
		return 125;
	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		int sig, event;

		if (!WIFSTOPPED(status)) {
			if (pid == root)
				result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
			continue;
		}
		sig = WSTOPSIG(status);
		event = status >> 16;
		if (event == 0)
			ptrace(PTRACE_CONT, pid, 0, sig);
		else if (event == PTRACE_EVENT_STOP && is_stopping(sig))
			ptrace(PTRACE_LISTEN, pid, 0, 0);
		else
			ptrace(PTRACE_CONT, pid, 0, 0);
	}
	return result;
}
