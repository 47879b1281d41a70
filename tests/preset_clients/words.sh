# What scenarios begin with. $n begins the names that they make; what has them is removed in the end, without the gate.

set -euo pipefail
export LC_ALL=C

fail() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}

# Runs docker at the Engine's own socket.
engine() { docker -H "$ENGINE" "$@"; }

# Runs a command that must fail, and must have said this.
refused() {
    local words=$1 said
    shift
    ! said=$("$@" 2>&1) || fail "not refused: $*"
    [[ $said == *"$words"* ]] || fail "refused otherwise: $*: $said"
}

# Waits until a command succeeds.
await() {
    local tries
    for tries in {1..300}; do
        ! "$@" >/dev/null 2>&1 || return 0
        sleep 0.1
    done
    fail "this did not come: $*"
}

clean_up() {
    local ids kind
    [[ -z ${started:-} ]] || kill "$started"
    for kind in 'container rm -f -v' 'network rm' 'volume rm -f'; do
        ids=$(engine ${kind%% *} ls -q $([[ $kind != container* ]] || echo -a) --filter "name=$n")
        [[ -z $ids ]] || engine $kind $ids
    done
}
trap 'clean_up >/dev/null 2>&1' EXIT
