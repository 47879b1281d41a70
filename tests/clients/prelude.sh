# What every scenario begins with. A scenario is a shell script as a person might type it, with the docker CLI in
# PATH and an Engine, or a gate in front of it, in DOCKER_HOST. What it prints is compared, so it says with these
# words what is run and what must come of it:
#
#   see COMMAND…          run it; it must succeed. Output, errors and exit code are written down, each by itself.
#   exits CODE COMMAND…   run it; it must end with this code (or one that fits it as a pattern).
#   sorted COMMAND…       to be seen: its lines in alphabetical order, where they come in any.
#   start COMMAND…        run it in the background, for the last four words.
#   terminal 'COMMAND'    start it on a pseudo terminal of 100 columns and 40 rows.
#   await TEXT            read what it prints until TEXT came.
#   say TEXT              give it TEXT, in which \n, \x10 and the like stand for what they stand for in printf.
#   finish [CODE]         no more input for it; it must end by itself, with this code (0).
#   leave [CODE]          send it SIGTERM; it must end with this code (0).
#
# BLUR in front of one of them is a sed script over what it prints, for what cannot be the same twice. Names that are
# made are $n, or begin with it; they are removed in the end. Names, ids and times are the comparison's business.

set -u
export LC_ALL=C
readonly PATIENCE=60 # seconds until something that is awaited must have come

# Whoever runs the script looks for this: it may be in a part of a pipeline.
give_up() {
    printf '!! %s\n' "$*"
    exit 1
}

# Writes file $2 down, with $1 in front of each line; a last line without an end is told from one with it.
show() {
    [[ -s $2 ]] || return 0
    sed -E "${BLUR:-}" "$2" | sed "s/^/$1/"
    [[ -z $(tail -c 1 "$2" | tr -d '\n' | tr '\0' '0') ]] || printf '\n\\ no end of line\n'
}

see() { exits 0 "$@"; }

exits() {
    local wanted=$1 code=0
    shift
    printf '$ %s\n' "$*"
    "$@" >out 2>err || code=$?
    show '' out
    show '2> ' err
    printf '= %s\n' "$code"
    # shellcheck disable=SC2053 # a pattern
    [[ $code == $wanted ]] || give_up "exit code $wanted was expected"
}

sorted() (
    set -o pipefail
    "$@" | sort
)

# Without the images that other scenarios left without a name: the Engine lists those
# of one second in any order.
named() (
    set -o pipefail
    "$@" | grep -v '^<none>'
)

start() {
    printf '$ %s\n' "$*"
    rm -f input output
    mkfifo input output
    "$@" <input >output 2>errors &
    pid=$!
    exec {to}>input {from}<output
}

terminal() { start script --quiet --return --flush --command "stty rows 40 cols 100; exec $1" /dev/null; }

await() {
    local seen='' byte
    while [[ $seen != *"$1" ]]; do
        IFS= read -r -N 1 -t "$PATIENCE" -u "$from" byte || {
            printf '%s' "$seen" && cat errors
            give_up "this did not come: $1"
        }
        seen+=$byte
    done
    printf '%s' "$seen" >out
    show '' out
}

say() {
    printf '> %s\n' "$1"
    printf '%b' "$1" >&"$to"
}

finish() {
    local code=0
    exec {to}>&-
    timeout "$PATIENCE" cat <&"$from" >out || give_up "it did not end"
    exec {from}<&-
    wait "$pid" || code=$?
    show '' out
    show '2> ' errors
    printf '= %s\n' "$code"
    [[ $code == "${1:-0}" ]] || give_up "exit code ${1:-0} was expected"
}

leave() {
    kill -TERM "$pid"
    finish "$@"
}

# Removes what has the scenario's name, without the gate.
clean_up() {
    local ids
    export DOCKER_HOST=$ENGINE
    for kind in container volume network; do
        ids=$(docker "$kind" ls -q ${all[$kind]:-} --filter "name=$n") && [[ -z $ids ]] || docker "$kind" rm -f $ids
    done
    ids=$(docker images -q --filter "reference=$n*" --filter "reference=$n*/*" | sort -u)
    [[ -z $ids ]] || docker rmi -f $ids
}
declare -A all=([container]=-a)
trap 'clean_up >/dev/null 2>&1' EXIT
