/* A child makes a sibling of its own: its creator is the child, its real parent the first process,
   which is the one to wait for it. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
    if (fork() == 0) {
        if (syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL) == 0)
            execl("/bin/echo", "echo", "hi", NULL);
        _exit(0);
    }
    wait(NULL);
    wait(NULL);
    return 0;
}
