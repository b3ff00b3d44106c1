/* clone without a stack, as fork does, with CLONE_FS and CLONE_FILES, three times: the child's end
   is told by SIGCHLD, by SIGUSR1, by no signal. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void child_with(int signal, const char *name) {
  pid_t child = syscall(SYS_clone, CLONE_FS | CLONE_FILES | signal, 0, 0, 0, 0);
  if (child == 0)
    _exit(0);
  waitpid(child, NULL, __WALL);
  printf("{\"pid\": %d, \"child\": %d, \"exit_signal\": %s}\n", getpid(), child, name);
}

int main(void) {
  signal(SIGUSR1, SIG_IGN);
  child_with(SIGCHLD, "\"SIGCHLD\"");
  child_with(SIGUSR1, "\"SIGUSR1\"");
  child_with(0, "null");
  return 0;
}
