/* Let children make system calls without a pause, until the first argument's seconds are over. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILDREN = 3 };

int main(int argc, char **argv) {
  pid_t children[CHILDREN];
  for (int i = 0; i < CHILDREN; i++) {
    children[i] = fork();
    if (children[i] == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      for (;;)
        syscall(SYS_getppid);
    }
  }
  usleep(argc > 1 ? atof(argv[1]) * 1e6 : 0);
  for (int i = 0; i < CHILDREN; i++)
    kill(children[i], SIGKILL);
  while (wait(NULL) > 0)
    ;
  return 0;
}
