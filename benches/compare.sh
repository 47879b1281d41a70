#!/usr/bin/env bash
# opgate, HAProxy and no proxy side by side in front of one stand-in Engine, in turns: what a request costs.
#
#   compare.sh [NAME=BINARY ...] [-- OPTIONS]
#   compare.sh --transports [-- OPTIONS]
#
# With `NAME=BINARY`, other builds of opgate take part as well and are compared with this one, named `opgate`; such a
# name begins with `opgate`. OPTIONS go to the driver: `--rounds N`, `--time MILLISECONDS`, `--connections N,...`,
# `--cases list,create,refused,privileged`.
#
# With `--transports`, ways to call opgate are put side by side instead: a unix socket with `client:`, and by `when` among
# 1, 10 and 100 clients a unix socket (`opgate-uid…`) and TLS 1.3 with client certificates (`opgate-tls…`); the client
# that fits is the last one. First on kept connections, then with a new one for each request.
#
# HAProxy is the one in PATH, or else Debian's, which is unpacked below `target/compare` and not installed. Everything
# runs in a temporary folder, on unix sockets or loopback, and ends with this script. docs/performance.md says how to read it.
#
# Environment:
#   COMPARE_THREADS   threads of HAProxy (default: as many as there are processors, like opgate's)

set -euo pipefail
umask 077
export LC_ALL=C
export PATH="${PATH:+$PATH:}/usr/sbin:/usr/bin:/sbin:/bin"

readonly READY_TRIES=200 # of 0.05 s, until a started program must listen

self=$(readlink -f "${BASH_SOURCE[0]}")
repository=$(dirname "$(dirname "$self")")
target=${CARGO_TARGET_DIR:-$repository/target}
cache=$target/compare
readonly self repository target cache

say() { printf 'compare.sh: %s\n' "$*" >&2; }
fail() {
    say "FAILED: $*"
    exit 1
}

# --- What takes part --------------------------------------------------------------------------------------------

builds=()
transports=
while (($#)); do
    case $1 in
    --)
        shift
        break
        ;;
    --transports) transports=1 ;;
    opgate?*=?*) builds+=("$1") ;;
    *)
        sed -n '2,/^$/s/^# \{0,1\}//p' "$self" >&2
        exit 2
        ;;
    esac
    shift
done
options=("$@")
if [[ $transports ]] && ((${#builds[@]})); then
    fail "--transports measures this build alone"
fi

# Unpacks Debian's HAProxy, with what it needs and the machine lacks.
fetch_haproxy() {
    [[ -x $cache/haproxy/usr/sbin/haproxy ]] && return
    command -v apt-get >/dev/null || fail "there is no haproxy, and no apt-get to get it with"
    say "getting HAProxy"
    local packages=$cache/packages
    rm -rf "$packages" "$cache/haproxy"
    mkdir -p "$packages/partial" "$cache/haproxy"
    local get=(apt-get -qq -o Debug::NoLocking=1 -o "Dir::Cache::archives=$packages"
        install --download-only --no-install-recommends -y haproxy)
    "${get[@]}" >&2 || { apt-get -qq update >&2 && "${get[@]}" >&2; } || fail "HAProxy cannot be downloaded"
    local package
    for package in "$packages"/*.deb; do
        dpkg-deb --extract "$package" "$cache/haproxy"
    done
}

haproxy=$(command -v haproxy || true)
libraries=
if [[ -z $haproxy && -z $transports ]]; then
    fetch_haproxy
    haproxy=$cache/haproxy/usr/sbin/haproxy
    libraries=$(find "$cache/haproxy" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)
fi

(cd "$repository" && cargo build --release --locked --bin opgate && cargo build --release --locked --example compare) >&2
compare=$target/release/examples/compare
builds=("opgate=$target/release/opgate" "${builds[@]}")

# --- Start and end ----------------------------------------------------------------------------------------------

folder=$(mktemp -d)
running=()
end() {
    # Only what was started here, by number, the newest first.
    local at
    for ((at = ${#running[@]} - 1; at >= 0; at--)); do
        kill "${running[at]}" 2>/dev/null || true
        wait "${running[at]}" 2>/dev/null || true
    done
    rm -rf "$folder"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# start NAME COMMAND...: starts a program that listens at NAME.sock, or a gate, and waits until it does.
start() {
    local name=$1 tries
    shift
    "$@" >"$folder/$name.out" 2>"$folder/$name.err" &
    running+=($!)
    for ((tries = 0; tries < READY_TRIES; tries++)); do
        [[ -S $folder/$name.sock ]] && return
        grep -qs '^opgate: Engine at' "$folder/$name.err" && return
        kill -0 "${running[-1]}" 2>/dev/null || break
        sleep 0.05
    done
    cat "$folder/$name.out" "$folder/$name.err" >&2
    fail "$name does not listen"
}

start engine "$compare" engine "$folder/engine.sock"

# gate NAME BINARY LISTENER CLIENTS: starts an opgate with this listener and these clients of the policy `bench`.
gate() {
    local name=$1 binary=$2 listener=$3 clients=$4
    [[ -x $binary ]] || fail "$binary is no program"
    cat >"$folder/$name.yaml" <<YAML
api: "1.51"
listen:
  - $listener
upstream: unix://$folder/engine.sock
clients:
$clients
policies:
  bench:
    allow: [SystemPing, SystemVersion, ContainerList, ContainerCreate]
YAML
    start "$name" "$binary" run --config "$folder/$name.yaml"
}

# The listener of a gate on a unix socket.
at_socket() { printf '{ unix: %s/%s.sock, mode: "0600"%s }' "$folder" "$1" "${2:-}"; }

readonly client='  bench: { policies: [bench] }'

# --- Ways to call opgate ----------------------------------------------------------------------------------------

# among COUNT OTHER CONDITION: so many clients, of which the last one has the condition; `OTHER` with a number is that
# of the others.
among() {
    local number
    for ((number = 1; number < $1; number++)); do
        printf '  other%s: { policies: [bench], when: { %s } }\n' "$number" "${2//N/$number}"
    done
    printf '  bench: { policies: [bench], when: { %s } }' "$3"
}

if [[ $transports ]]; then
    # Connections that wait need descriptors on both sides.
    ulimit -Sn "$(ulimit -Hn)"
    opgate=$target/release/opgate
    "$compare" certs "$folder"
    gate opgate "$opgate" "$(at_socket opgate ', client: bench')" "$client"
    ways=("opgate=$folder/opgate.sock,${running[-1]}")
    for count in 1 10 100; do
        gate "opgate-uid$count" "$opgate" "$(at_socket "opgate-uid$count")" \
            "$(among "$count" 'peer: { uid: 60N }' "peer: { uid: $(id -u) }")"
        ways+=("opgate-uid$count=$folder/opgate-uid$count.sock,${running[-1]}")
    done
    for count in 1 10 100; do
        gate "opgate-tls$count" "$opgate" \
            "{ tcp: '127.0.0.1:0', tls: { cert: server.pem, key: server-key.pem, client_ca: ca.pem, min_version: '1.3' } }" \
            "$(among "$count" 'tls: { cn: otherN }' 'tls: { cn: bench }')"
        address=$(sed -n 's|^opgate: clients by their `when` at tcp://\([^ ]*\) .*|\1|p' "$folder/opgate-tls$count.err")
        ways+=("opgate-tls$count=$address,${running[-1]}")
    done
    printf '%s processors\n' "$(nproc)"
    drive=("$compare" drive --certs "$folder" --against opgate --cases refused,list --connections 1,16)
    printf '\nKept connections\n\n'
    "${drive[@]}" --idle 1000 "${options[@]}" "${ways[@]}"
    printf '\nA new connection for each request\n\n'
    "${drive[@]}" --anew "${options[@]}" "${ways[@]}"
    exit
fi

# --- The gates beside each other --------------------------------------------------------------------------------

# The usual socket proxy: paths by regular expression, read and creation of containers, nothing else. It logs a line
# for each request, like opgate.
cat >"$folder/haproxy.cfg" <<CFG
global
    nbthread ${COMPARE_THREADS:-$(nproc)}
    maxconn 1024
    log stdout format raw daemon info

defaults
    mode http
    log global
    option httplog
    option http-keep-alive
    option dontlognull
    http-reuse always
    timeout connect 10s
    timeout client 10m
    timeout server 10m
    timeout http-request 30s

frontend docker
    bind unix@$folder/haproxy.sock mode 600
    acl reads method GET HEAD
    acl creates method POST
    acl ping path_reg ^(/v[0-9.]+)?/_ping\$
    acl version path_reg ^(/v[0-9.]+)?/version\$
    acl list path_reg ^(/v[0-9.]+)?/containers/json\$
    acl create path_reg ^(/v[0-9.]+)?/containers/create\$
    http-request allow if reads ping
    http-request allow if reads version
    http-request allow if reads list
    http-request allow if creates create
    http-request deny
    default_backend engine

backend engine
    server engine unix@$folder/engine.sock
CFG
LD_LIBRARY_PATH=$libraries start haproxy "$haproxy" -db -f "$folder/haproxy.cfg"

ways=("none=$folder/engine.sock" "haproxy=$folder/haproxy.sock,${running[-1]}")
against=(--against none --against haproxy)

for build in "${builds[@]}"; do
    name=${build%%=*}
    gate "$name" "${build#*=}" "$(at_socket "$name" ', client: bench')" "$client"
    ways+=("$name=$folder/$name.sock,${running[-1]}")
done
if ((${#builds[@]} > 1)); then
    against+=(--against opgate)
fi

# --- Measure ----------------------------------------------------------------------------------------------------

LD_LIBRARY_PATH=$libraries "$haproxy" -v | sed -n '1s/ - .*//p'
printf '%s processors\n' "$(nproc)"
"$compare" drive "${against[@]}" "${options[@]}" "${ways[@]}"
