/* The leader ends first, with 1; another thread goes on, forks, and ends the process with 8. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int leader_is_gone(void) {
  char path[64], state = '?';
  snprintf(path, sizeof path, "/proc/self/task/%d/stat", getpid());
  FILE *stat = fopen(path, "r");
  if (stat == NULL || fscanf(stat, "%*d (%*[^)]) %c", &state) != 1)
    state = '?';
  if (stat != NULL)
    fclose(stat);
  return state == 'Z';
}

static void *run(void *unused) {
  while (!leader_is_gone())
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  pid_t child = fork();
  if (child == 0)
    _exit(0);
  waitpid(child, NULL, 0);
  dprintf(1, "{\"pid\": %d, \"tid\": %d, \"child\": %d}\n", getpid(), (int)syscall(SYS_gettid),
          child);
  syscall(SYS_exit_group, 8);
  return unused;
}

int main(void) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, run, NULL) != 0)
    return 1;
  syscall(SYS_exit, 1);
  return 1;
}
