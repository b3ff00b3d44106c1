# docker run, traced in dockerd and its containerd while the client runs beside them.
dockerd --iptables=false --bridge=none --storage-driver=vfs --data-root=/mnt/docker \
    >/mnt/dockerd.log 2>&1 &
dockerd=$!
until docker version >/dev/null 2>&1; do sleep 0.1; done
containerd=$(pidof containerd)
docker import /mnt/alpine.tar alpine >/dev/null

"$FORKTRACE" attach --quiet --detail syscalls -o launch.jsonl -p "$dockerd" -p "$containerd" &
forktrace=$!
until grep -q "\"pid\":$containerd,\"attached\":true" launch.jsonl 2>/dev/null; do sleep 0.1; done
docker run --rm --network none --name baz alpine sh -c 'date; sleep 1; date'
sleep 1 # the shim's own end
kill -TERM "$forktrace"
wait "$forktrace"
sed '1s/\("kernel":"[0-9.]*\)[^"]*"/\1"/' launch.jsonl >"$OUT/launch.jsonl"
kill "$dockerd"
wait "$dockerd"
