/* Kill parents in the middle of creating.
 *
 * killed ROUNDS: in each round a process forks as fast as it can, from one thread or from three,
 * until SIGKILL ends it after a moment that differs from round to round; in every third round its
 * children are killed with it. This program is their subreaper and leaves nobody behind.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_CHILDREN = 200 };

static void *fork_on(void *unused)
{
    for (int i = 0; i < MOST_CHILDREN; i++) {
        pid_t child = fork();
        if (child == 0) {
            if (i % 3 == 0 && fork() == 0)
                _exit(0);
            _exit(0);
        }
        if (i % 8 == 7)
            while (waitpid(-1, NULL, WNOHANG) > 0)
                ;
    }
    return unused;
}

static void parent(int threaded)
{
    pthread_t threads[2];
    setpgid(0, 0);
    if (threaded)
        for (int i = 0; i < 2; i++)
            pthread_create(&threads[i], NULL, fork_on, NULL);
    fork_on(NULL);
    for (;;)
        pause();
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 1;
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        return 1;
    for (int i = 0; i < rounds; i++) {
        pid_t child = fork();
        if (child < 0)
            return 1;
        if (child == 0)
            parent(i % 2);
        usleep(500 + i * 7919 % 9000);
        if (i % 3 == 0)
            kill(-child, SIGKILL);
        kill(child, SIGKILL);
        while (waitpid(-1, NULL, 0) > 0)
            ;
    }
    return 0;
}
