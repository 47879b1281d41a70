#!/usr/bin/env bash
# Runs docker_py.py with the docker package of PyPI, which is installed into a folder below target/ the first time.
# Ends with 3 where it cannot be had.
#
#   docker_py.sh fetch        only have it
#   docker_py.sh NAME         run the scenario

set -euo pipefail
readonly VERSION=7.1.0
scripts=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
target=${CARGO_TARGET_DIR:-$scripts/../../target}
venv=$target/docker-py-$VERSION
mkdir -p "$target"

unavailable() {
    printf 'docker_py.sh: NO DOCKER-PY HERE: %s\n' "$*" >&2
    exit 3
}

fetch() (
    exec 9>"$target/docker-py.lock"
    flock -w 300 9 || unavailable "somebody has held $target/docker-py.lock for 300 s"
    [[ ! -e $venv/complete ]] || exit 0
    rm -rf "$venv"
    { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet "docker==$VERSION"; } >"$target/docker-py.log" 2>&1 || {
        sed 's/^/    /' "$target/docker-py.log" >&2
        unavailable "no python3 with venv, or its packages cannot be reached"
    }
    touch "$venv/complete"
)

fetch
[[ $1 == fetch ]] || exec "$venv/bin/python" "$scripts/docker_py.py" "$1"
