/* A 32-bit program without a C library: it forks a child, which executes this program with
   arguments, and clones one with CLONE_FS and CLONE_FILES. They end with 3 and 5. */
static int call(int number, int a, int b, int c) {
  __asm__ volatile("int $0x80" : "+a"(number) : "b"(a), "c"(b), "d"(c), "S"(0), "D"(0) : "memory");
  return number;
}

enum { EXIT = 1, FORK = 2, WAITPID = 7, EXECVE = 11, CLONE = 120 };

__attribute__((used)) static void run(int argc) {
  static const char *arguments[] = {"thirty-two", "bits", 0}, *environment[] = {"A=b", 0};
  if (argc == 2)
    call(EXIT, 3, 0, 0);
  int child = call(FORK, 0, 0, 0);
  if (child == 0)
    call(EXECVE, (int)"/proc/self/exe", (int)arguments, (int)environment);
  call(WAITPID, child, 0, 0);
  child = call(CLONE, 0x200 | 0x400 | 17, 0, 0);
  if (child == 0)
    call(EXIT, 5, 0, 0);
  call(WAITPID, child, 0, 0);
  call(EXIT, 0, 0, 0);
}

__asm__(".globl _start\n_start: mov (%esp), %eax\n push %eax\n call run\n");
