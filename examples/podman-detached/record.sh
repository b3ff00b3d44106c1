import_image
trace sh -c 'podman run -d --rm --network=host --name baz alpine sleep 1000; podman stop -t 1 baz'
