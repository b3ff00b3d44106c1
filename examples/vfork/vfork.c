/* The same with vfork: the parent stands still, on the child's memory, until the child's exec. */
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
    if (vfork() == 0) {
        execl("/bin/echo", "echo", "hi", NULL);
        _exit(127);
    }
    wait(NULL);
    return 0;
}
