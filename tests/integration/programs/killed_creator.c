/* Forty times: a creator forks and is killed at once by its child, so that its tracer may never
   hear of the fork from it. We are the subreaper, so each such child is ours in the end. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void once(void) {
  int pipes[2];
  if (pipe(pipes) != 0)
    _exit(1);
  pid_t creator = fork();
  if (creator == 0) {
    pid_t self = getpid();
    if (fork() == 0) {
      kill(self, SIGKILL);
      pid_t own = getpid();
      if (write(pipes[1], &own, sizeof own) < 0)
        _exit(1);
      _exit(0);
    }
    pause();
  }
  pid_t orphan = 0;
  if (read(pipes[0], &orphan, sizeof orphan) < 0)
    _exit(1);
  while (wait(NULL) > 0)
    ;
  printf("{\"pid\": %d, \"creator\": %d, \"orphan\": %d}\n", getpid(), creator, orphan);
  close(pipes[0]);
  close(pipes[1]);
}

int main(void) {
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  setvbuf(stdout, NULL, _IOFBF, 1 << 16);
  for (int i = 0; i < 40; i++)
    once();
  return 0;
}
