# A user of this example alone, with ids to map, who has never run podman.
mkdir -p /mnt/etc /run/user/1000 /mnt/alice
for name in passwd group; do
    cp /etc/$name /mnt/etc
done
echo 'alice:x:1000:1000::/mnt/alice:/bin/sh' >>/mnt/etc/passwd
echo 'alice:x:1000:' >>/mnt/etc/group
echo 'alice:100000:65536' | tee /mnt/etc/subuid >/mnt/etc/subgid
for name in passwd group subuid subgid; do
    mount --bind /mnt/etc/$name /etc/$name
done
cp -r /mnt/alpine /mnt/alice/rootfs
chown -R alice:alice /mnt/alice /run/user/1000
export XDG_RUNTIME_DIR=/run/user/1000
cd /mnt/alice
mount --make-rshared /
trace --user alice podman run --rm --network=host --rootfs /mnt/alice/rootfs echo hi
