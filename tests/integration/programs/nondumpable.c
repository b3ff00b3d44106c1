/* Forbid others to look into us (PR_SET_DUMPABLE), then fork; the child ends with 6. */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
  if (prctl(PR_SET_DUMPABLE, 0) != 0)
    return 1;
  pid_t child = fork();
  if (child == 0)
    _exit(6);
  waitpid(child, NULL, 0);
  printf("{\"pid\": %d, \"child\": %d}\n", getpid(), child);
  return 0;
}
