/* Fork, execute a program in the child, wait for it. */
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
    if (fork() == 0) {
        execl("/bin/echo", "echo", "hi", NULL);
        _exit(127);
    }
    wait(NULL);
    return 0;
}
