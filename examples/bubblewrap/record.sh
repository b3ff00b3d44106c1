trace bwrap --ro-bind /mnt/alpine / --unshare-pid /bin/sh -c '/bin/date; /bin/sleep 0.1'
