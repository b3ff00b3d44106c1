/* The double fork: the middle process ends, so that the daemon has no parent here any more, and
   as it leads no session it never gets a terminal by opening one. */
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
    if (fork() == 0) {
        setsid();
        if (fork() == 0) {
            usleep(100000); /* the daemon at its work */
            _exit(0);
        }
        usleep(20000); /* only so that the picture shows it */
        _exit(0);
    }
    wait(NULL);
    return 0;
}
