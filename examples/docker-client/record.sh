# docker run, traced in the client alone.
dockerd --iptables=false --bridge=none --storage-driver=vfs --data-root=/mnt/docker \
    >/mnt/dockerd.log 2>&1 &
dockerd=$!
until docker version >/dev/null 2>&1; do sleep 0.1; done
docker import /mnt/alpine.tar alpine >/dev/null
trace docker run --rm --network none --name baz alpine sh -c 'date; sleep 1; date'
kill "$dockerd"
wait "$dockerd"
