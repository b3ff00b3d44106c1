/* vfork; the child lives until another process has forked twenty times. */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void fork_on(int done) {
  for (int i = 0; i < 20; i++) {
    if (fork() == 0)
      _exit(0);
    wait(NULL);
  }
  _exit(write(done, "x", 1) != 1);
}

int main(void) {
  int pipes[2];
  char byte;
  if (pipe(pipes) != 0)
    return 1;
  pid_t other = fork();
  if (other == 0)
    fork_on(pipes[1]);
  pid_t child = vfork();
  if (child == 0)
    _exit(read(pipes[0], &byte, 1) == 1 ? 5 : 1);
  int status;
  waitpid(child, &status, 0);
  waitpid(other, NULL, 0);
  printf("{\"child\": %d, \"other\": %d, \"code\": %d}\n", child, other, WEXITSTATUS(status));
  return 0;
}
