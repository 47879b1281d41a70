# A dev container of an image: up, commands in it, and what runArgs may not ask for.
. "$(dirname "$0")/../words.sh"

devcontainer() { "$PROGRAM" "$1" --docker-path "$(command -v docker)" "${@:2}"; }
write() {
    mkdir -p "$1/.devcontainer"
    printf '{ "image": "busybox", "updateRemoteUserUID": false, "postCreateCommand": "echo made > /tmp/made", "runArgs": [%s] }' \
        "$2" >"$1/.devcontainer/devcontainer.json"
}
write shop "\"--name\", \"$n-shop\""
devcontainer up --workspace-folder shop --buildkit never | grep -q '"outcome":"success"'
[[ $(devcontainer exec --workspace-folder shop cat /tmp/made) == made ]]
devcontainer exec --workspace-folder shop test -d /workspaces/shop/.devcontainer

write other '"--privileged"'
refused Privileged devcontainer up --workspace-folder other --buildkit never
write other '"--network=host"'
refused NetworkMode devcontainer up --workspace-folder other --buildkit never
