import_image
trace sh -c 'podman pod create --network=none --name duo
podman run --rm --pod duo alpine echo hi
podman pod rm -f -t 0 duo'
