mkdir -p /mnt/debian/etc /mnt/debian/usr
cp -r /mnt/alpine/. /mnt/debian
touch /mnt/debian/etc/os-release
trace systemd-nspawn --quiet --register=no --keep-unit -D /mnt/debian /bin/sh -c '/bin/date; /bin/sleep 0.1'
