/* clone a child into a new PID namespace (with a user namespace, unless root), which forks. It
   says what its pid is in there. Ends with 77 where the machine doesn't permit it. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
  int flags = CLONE_NEWPID | (geteuid() == 0 ? 0 : CLONE_NEWUSER);
  pid_t init = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
  if (init < 0)
    return errno == EPERM || errno == ENOSPC || errno == EINVAL ? 77 : 1;
  if (init == 0) {
    pid_t child = fork();
    if (child == 0)
      _exit(0);
    waitpid(child, NULL, 0);
    dprintf(1, "{\"inside\": %d, \"child_inside\": %d, \"parent_inside\": %d}\n",
            (int)syscall(SYS_getpid), child, getppid());
    _exit(0);
  }
  waitpid(init, NULL, 0);
  dprintf(1, "{\"pid\": %d, \"init\": %d}\n", getpid(), init);
  return 0;
}
