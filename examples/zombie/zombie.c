/* The child ends at once; until its parent waits for it, 0.2 s later, it is a zombie. */
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
    if (fork() == 0)
        _exit(3);
    usleep(200000);
    wait(NULL);
    return 0;
}
