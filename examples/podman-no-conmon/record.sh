import_image
trace podman run --rm --network=host --cgroups=no-conmon alpine echo hi
