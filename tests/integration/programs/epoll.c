/* Leave a child in epoll_wait, which no signal should end early, and say how it ended. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

int main(void) {
  if (fork() == 0) {
    struct epoll_event event;
    int ready = epoll_wait(epoll_create1(0), &event, 1, 1000);
    dprintf(1, "{\"ready\": %d, \"errno\": %d}\n", ready, errno);
    _exit(0);
  }
  nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
  return 0;
}
