cc -o fork-exec fork-exec.c
trace ./fork-exec
