cc -o subreaper subreaper.c
trace ./subreaper
