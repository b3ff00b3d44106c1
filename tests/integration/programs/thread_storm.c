/* Create 300 threads that end at once, from two threads. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

enum { EACH = 149 };

static void *end(void *unused) { return unused; }

static void *create(void *failed) {
  for (int i = 0; i < EACH; i++) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, end, NULL) != 0)
      *(int *)failed = 1;
    else
      pthread_join(thread, NULL);
  }
  return NULL;
}

int main(void) {
  pthread_t creators[2];
  int failed[2] = {0, 0};
  for (int i = 0; i < 2; i++)
    if (pthread_create(&creators[i], NULL, create, &failed[i]) != 0)
      return 1;
  for (int i = 0; i < 2; i++)
    pthread_join(creators[i], NULL);
  printf("{\"pid\": %d, \"threads\": %d}\n", getpid(), 2 * EACH + 2);
  return failed[0] || failed[1];
}
