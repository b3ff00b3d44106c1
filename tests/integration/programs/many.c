/* many COUNT: be so many sleeping processes at once, then kill them all. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
  int count = argc > 1 ? atoi(argv[1]) : 0, pipes[2];
  pid_t *children = calloc(count + 1, sizeof *children);
  char byte;
  if (children == NULL || pipe(pipes) != 0)
    return 1;
  for (int i = 0; i < count; i++) {
    children[i] = fork();
    if (children[i] < 0)
      return 1;
    if (children[i] == 0) {
      if (write(pipes[1], "x", 1) != 1)
        _exit(1);
      pause();
    }
  }
  for (int i = 0; i < count; i++)
    if (read(pipes[0], &byte, 1) != 1)
      return 1;
  for (int i = 0; i < count; i++)
    kill(children[i], SIGKILL);
  while (wait(NULL) > 0)
    ;
  printf("{\"pid\": %d, \"count\": %d}\n", getpid(), count);
  return 0;
}
