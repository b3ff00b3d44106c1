/* Fault, in a way that the argument tells; "caught" has a handler, which ends it with 4. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile int zero;

static void caught(int number) { _exit(number == SIGSEGV ? 4 : 5); }

static void *write_nowhere(void *unused) {
  *(volatile int *)unused = 1;
  return unused;
}

static void *wait_for_ever(void *unused) {
  for (;;)
    pause();
  return unused;
}

int main(int argc, char **argv) {
  const char *how = argc > 1 ? argv[1] : "address";
  if (strcmp(how, "instruction") == 0)
    __builtin_trap();
  if (strcmp(how, "abort") == 0)
    abort();
  if (strcmp(how, "caught") == 0)
    signal(SIGSEGV, caught);
  if (strcmp(how, "sent") == 0)  /* ignored by the first process of a PID namespace */
    return kill(getpid(), SIGSEGV) ? 1 : 6;
  if (strcmp(how, "thread") == 0) {
    pthread_t thread;
    pthread_create(&thread, NULL, write_nowhere, NULL);
    pthread_join(thread, NULL);
  }
  if (strcmp(how, "leader") == 0) {
    pthread_t thread;
    pthread_create(&thread, NULL, wait_for_ever, NULL);
    usleep(50000);
  }
  write_nowhere(NULL);
  return 0;
}
