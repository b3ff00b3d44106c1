/* A thread that is not the first calls execve: all others end, and it takes the process' pid. */
#include <pthread.h>
#include <unistd.h>

static void *run(void *unused) {
    execl("/bin/echo", "echo", "hi", NULL);
    return unused;
}

int main(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, run, NULL);
    pause();
    return 0;
}
