import_image
trace podman run --rm alpine echo hi
