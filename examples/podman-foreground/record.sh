import_image
trace podman run --rm --network=host --name baz alpine sh -c '/bin/date; /bin/sleep 0.2; exit 3'
