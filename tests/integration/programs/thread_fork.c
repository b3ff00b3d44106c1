/* Fork from a thread that isn't the leader. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void *run(void *unused) {
  pid_t child = fork();
  if (child == 0)
    _exit(5);
  waitpid(child, NULL, 0);
  printf("{\"pid\": %d, \"tid\": %d, \"child\": %d}\n", getpid(), (int)syscall(SYS_gettid), child);
  return unused;
}

int main(void) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, run, NULL) != 0)
    return 1;
  pthread_join(thread, NULL);
  return 0;
}
