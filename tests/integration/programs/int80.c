/* Fork by the 32-bit system call from a 64-bit program; the child ends with 4. Ends with 77 on
   another machine than x86-64. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
#ifdef __x86_64__
  long child = 2; /* fork */
  __asm__ volatile("int $0x80" : "+a"(child) : : "memory", "r8", "r9", "r10", "r11");
  if (child == 0)
    _exit(4);
  if (child < 0)
    return 77;
  waitpid((pid_t)child, NULL, 0);
  printf("{\"pid\": %d, \"child\": %d}\n", getpid(), (int)child);
  return 0;
#else
  return 77;
#endif
}
