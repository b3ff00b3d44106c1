import_image
buildah from --name work alpine >/dev/null
trace buildah run --isolation chroot work -- echo hi
