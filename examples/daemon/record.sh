cc -o daemon daemon.c
trace ./daemon
