/* As in the daemon's double fork, but the first process has itself made a subreaper: it, and not
   PID 1, becomes the parent of the orphan, and can wait for it. */
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (fork() == 0) {
        if (fork() == 0) {
            usleep(100000);
            _exit(7);
        }
        usleep(20000); /* only so that the picture shows it */
        _exit(0);
    }
    wait(NULL);
    wait(NULL);
    return 0;
}
