cc -o vfork vfork.c
trace ./vfork
