cc -o zombie zombie.c
trace ./zombie
