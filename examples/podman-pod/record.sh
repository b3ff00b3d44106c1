import_image
podman pod create --network=none --name duo >/dev/null
trace podman run --rm --pod duo alpine echo hi
podman pod rm -f -t 0 duo >/dev/null
