/* Execute a program from a thread that isn't the leader, while the leader and another one live. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *sleep_on(void *unused) {
  pause();
  return unused;
}

static void *execute(void *unused) {
  dprintf(1, "{\"pid\": %d, \"tid\": %d}\n", getpid(), (int)syscall(SYS_gettid));
  execlp("sh", "sh", "-c", "echo \"{\\\"after\\\": $$}\"; exit 9", (char *)NULL);
  return unused;
}

int main(void) {
  pthread_t other, thread;
  if (pthread_create(&other, NULL, sleep_on, NULL) != 0)
    return 1;
  if (pthread_create(&thread, NULL, execute, NULL) != 0)
    return 1;
  pause();
  return 1;
}
