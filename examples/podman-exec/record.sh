import_image
podman run -d --network=host --name baz alpine sleep 1000 >/dev/null
trace podman exec baz date
podman rm -f -t 0 baz >/dev/null
