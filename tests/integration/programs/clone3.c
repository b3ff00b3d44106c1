/* clone3 with CLONE_FS; the child ends with 4. Ends with 77 where the kernel has no clone3. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
  struct clone_args args = {.flags = CLONE_FS, .exit_signal = SIGCHLD};
  pid_t child = syscall(SYS_clone3, &args, sizeof args);
  if (child == 0)
    _exit(4);
  if (child < 0)
    return errno == ENOSYS ? 77 : 1;
  int status;
  waitpid(child, &status, 0);
  printf("{\"pid\": %d, \"child\": %d, \"code\": %d}\n", getpid(), child, WEXITSTATUS(status));
  return 0;
}
