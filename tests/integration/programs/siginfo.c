/* Send ourselves signals, and say what the handler was told: each signal once, in order. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static void handle(int number, siginfo_t *info, void *unused) {
  (void)unused;
  const char *name = number == SIGTRAP ? "TRAP" : number == SIGUSR1 ? "USR1" : "RTMIN+3";
  dprintf(1, "{\"signal\": \"%s\", \"code\": %d, \"own\": %s, \"value\": %d}\n", name,
          info->si_code, info->si_pid == getpid() ? "true" : "false", info->si_value.sival_int);
}

int main(void) {
  struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};
  int signals[] = {SIGTRAP, SIGUSR1, SIGRTMIN + 3};
  sigset_t all, old;
  sigemptyset(&all);
  for (int i = 0; i < 3; i++) {
    sigaction(signals[i], &action, NULL);
    sigaddset(&all, signals[i]);
  }
  kill(getpid(), SIGTRAP);
  raise(SIGTRAP);
#if defined(__x86_64__) || defined(__i386__)
  __asm__ volatile("int3");
#endif
  kill(getpid(), SIGUSR1);
  sigprocmask(SIG_BLOCK, &all, &old);
  for (int i = 0; i < 3; i++)
    sigqueue(getpid(), SIGRTMIN + 3, (union sigval){.sival_int = 40 + i});
  sigprocmask(SIG_SETMASK, &old, NULL);
  return 0;
}
