cc -pthread -o thread-exec thread-exec.c
trace ./thread-exec
