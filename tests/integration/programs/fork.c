/* Fork, by the oldest system call that the machine has; the child ends with 3. */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
#ifdef SYS_fork
  const char *how = "fork";
  pid_t child = syscall(SYS_fork);
#else
  const char *how = "clone";
  pid_t child = fork();
#endif
  if (child == 0)
    _exit(3);
  int status;
  waitpid(child, &status, 0);
  printf("{\"pid\": %d, \"child\": %d, \"how\": \"%s\", \"code\": %d}\n", getpid(), child, how,
         WEXITSTATUS(status));
  return 0;
}
