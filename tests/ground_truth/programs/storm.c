/* Create and end threads and processes in every order that a program can.
 *
 * storm ROUNDS: in each round a new process has four threads, each of which forks a child and
 * makes a thread; the round then ends in one of four ways: plainly, by exec in a thread that is
 * not the leader while others fork, by a leader that ends first, or by exit while others fork.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4, FORKS = 3 };

static int round_number;

static void fork_once(int index)
{
    pid_t child = fork();
    if (child < 0)
        _exit(2);
    if (child == 0) {
        if (index % 2)
            execl("/bin/true", "true", (char *)NULL);
        _exit(0);
    }
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
}

static void *nothing(void *unused)
{
    return unused;
}

static void *work(void *argument)
{
    int index = (int)(long)argument;
    for (int i = 0; i < FORKS; i++) {
        pthread_t more;
        fork_once(index + i);
        if (pthread_create(&more, NULL, nothing, NULL) == 0)
            pthread_join(more, NULL);
        if (round_number % 4 == 1 && index == 0 && i == 1)
            execl("/bin/true", "true", (char *)NULL);
    }
    return NULL;
}

static void one_round(void)
{
    pthread_t threads[THREADS];
    for (long i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, work, (void *)i) != 0)
            _exit(2);
    if (round_number % 4 == 2)
        pthread_exit(NULL);
    if (round_number % 4 == 3) {
        fork_once(1);
        _exit(0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    _exit(0);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 1;
    for (round_number = 0; round_number < rounds; round_number++) {
        int status;
        pid_t child = fork();
        if (child < 0)
            return 1;
        if (child == 0)
            one_round();
        if (waitpid(child, &status, 0) < 0 || status != 0) {
            fprintf(stderr, "round %d: status %x\n", round_number, status);
            return 1;
        }
    }
    return 0;
}
