/* Make system calls with arguments that no sane program gives, from many short-lived processes.
   Arguments: a seed, how many processes, and the path of a file to write garbage to. To be run as
   the first process of a PID namespace, as some of the calls are kill. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CALLS = 40, PAGE = 65536, TEXTS = 6, RANGE = 1000 };

static const long numbers[] = {
    SYS_setsid, SYS_setpgid, SYS_prctl, SYS_unshare, SYS_setns, SYS_chroot, SYS_pivot_root,
    SYS_write, SYS_write, SYS_pwrite64, SYS_pwrite64, SYS_writev, SYS_writev, SYS_writev,
    SYS_execve, SYS_execveat, SYS_kill, SYS_tkill, SYS_tgkill, SYS_pidfd_send_signal, SYS_wait4,
    SYS_waitid, SYS_waitid, SYS_clone, SYS_clone3, SYS_exit,
};
static const char *const texts[TEXTS] = {
    "/", ".", "\xff\xfe\n", "99999999999999999999", "12", "/dev/null",
};
static unsigned long state;
static char *last;  /* the last byte before memory that is not there */
static int file;

static unsigned long any(void) {
  state = state * 6364136223846793005UL + 1442695040888963407UL;
  return state >> 33;
}

static unsigned long argument(void) {
  switch (any() % 10) {
  case 0: return 0;
  case 1: return any() % 4;
  case 2: return -1UL - any() % 3;
  case 3: return (unsigned long)last - any() % 24;
  case 4: return (unsigned long)texts[any() % TEXTS];
  case 5: return file;
  case 6: return 1UL << any() % 64;
  case 7: return any() << 32 | any();
  case 8: return any() % RANGE;
  default: return (unsigned long)&state;
  }
}

static void call(void) {
  long number = numbers[any() % (sizeof numbers / sizeof *numbers)];
  unsigned long given[6];
  for (int i = 0; i < 6; i++)
    given[i] = argument();
  int writes = number == SYS_write || number == SYS_pwrite64 || number == SYS_writev;
  if (writes) {
    given[0] = file;
    given[2] = number == SYS_writev ? 1 + any() % 2 : any() % 30;
    given[3] %= RANGE;  /* pwrite64's place: the file stays small */
  }
  if (number == SYS_clone)
    given[1] = 0;  /* a copy of this stack */
  long made = syscall(number, given[0], given[1], given[2], given[3], given[4], given[5]);
  if (made == 0 && (number == SYS_clone || number == SYS_clone3))
    _exit(0);
}

int main(int argc, char **argv) {
  if (argc != 4 || getpid() != 1)
    return 2;
  setsid();  /* a signal to the group of process 0 stays among these */
  char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  file = open(argv[3], O_CREAT | O_WRONLY, 0600);
  if (pages == MAP_FAILED || file < 0 || munmap(pages + PAGE, PAGE) != 0)
    return 2;
  last = pages + PAGE - 1;
  memset(pages, '7', PAGE);
  for (int i = 0; i < atoi(argv[2]); i++) {
    if (fork() == 0) {
      state = strtoul(argv[1], NULL, 10) * 1000003 + i;
      alarm(2);
      for (int made = 0; made < CALLS; made++)
        call();
      _exit(0);
    }
    if (i % 8 == 7)
      while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
  }
  return 0;  /* which ends all that are left */
}
