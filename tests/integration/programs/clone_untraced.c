/* Create a child with CLONE_UNTRACED, which a tracer isn't told of; it creates one of its own. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
  pid_t child = syscall(SYS_clone, CLONE_UNTRACED | SIGCHLD, 0, 0, 0, 0);
  if (child == 0) {
    pid_t grandchild = fork();
    if (grandchild == 0)
      _exit(0);
    waitpid(grandchild, NULL, 0);
    _exit(6);
  }
  int status;
  waitpid(child, &status, 0);
  printf("{\"pid\": %d, \"child\": %d, \"code\": %d}\n", getpid(), child, WEXITSTATUS(status));
  return 0;
}
