/* Be three generations at most by name: we fork a child, which clones a sibling of its own with
   CLONE_PARENT. The sibling says who its parent is. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
  pid_t child = fork();
  if (child == 0) {
    pid_t creator = getpid();
    pid_t sibling = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
    if (sibling != 0)
      _exit(0);
    dprintf(1, "{\"sibling\": %d, \"creator\": %d, \"parent\": %d}\n",
            (int)syscall(SYS_getpid), creator, getppid());
    _exit(0);
  }
  /* Two children end, and we made one. */
  for (int i = 0; i < 2; i++)
    if (wait(NULL) < 0)
      return 1;
  dprintf(1, "{\"pid\": %d, \"child\": %d}\n", getpid(), child);
  return 0;
}
