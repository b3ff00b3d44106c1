cc -o clone-parent clone-parent.c
trace ./clone-parent
