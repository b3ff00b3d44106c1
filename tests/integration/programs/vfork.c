/* vfork; the child executes true with an argument. */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
#ifdef SYS_vfork
  const char *how = "vfork";
#else
  const char *how = "clone";
#endif
  pid_t child = vfork();
  if (child == 0) {
    execlp("true", "true", "after vfork", (char *)NULL);
    _exit(127);
  }
  int status;
  waitpid(child, &status, 0);
  printf("{\"pid\": %d, \"child\": %d, \"how\": \"%s\", \"code\": %d}\n", getpid(), child, how,
         WEXITSTATUS(status));
  return 0;
}
