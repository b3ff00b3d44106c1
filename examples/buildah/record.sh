import_image
buildah from --name work alpine >/dev/null
trace buildah run --isolation oci --runtime runc --network=host work -- echo hi
