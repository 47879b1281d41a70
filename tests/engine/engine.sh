#!/usr/bin/env bash
# A real Docker Engine for tests, on any Debian machine where we are root and have the package mirror.
#
#   engine.sh fetch  [28|20.10]        unpack the Engine's packages into the cache, unless they are there
#   engine.sh start  [28|20.10] DIR    start one with everything of it in DIR; prints lines NAME=VALUE
#   engine.sh hold   [28|20.10] DIR    start, print the same lines, wait for the end of stdin, stop
#   engine.sh stop   DIR               end what was started for DIR, and remove DIR
#   engine.sh status                   what is in the cache, and which Engines were started and not stopped
#
# `28` (the default) is the newest Engine that Debian has, `20.10` the one of Debian 12. Nothing is installed and
# nothing of the machine is changed: packages are unpacked below `target/engine`, and the Engine runs in mount,
# network and process namespaces of its own, so that its bridge, firewall rules, mounts and processes all go when
# the first process of those namespaces is killed. Its networks reach nothing outside.
#
# Environment:
#   OPGATE_TEST_ENGINE    `unix:///path` of an Engine to use instead. It needs an image `busybox:latest`;
#                         `start` only prints its lines, `stop` leaves it alone.
#   OPGATE_DOCKER_CLI     the docker CLI to use with that one (default: the first `docker` in PATH)
#   OPGATE_ENGINE_CACHE   where unpacked packages are kept (default: `target/engine` of this repository)
#
# Exit codes: 0 done; 1 it failed; 2 wrong usage; 3 no Engine can be had on this machine (the last line says why).

set -euo pipefail
umask 022
export LC_ALL=C
export PATH="${PATH:+$PATH:}/usr/sbin:/usr/bin:/sbin:/bin"

readonly READY_SECONDS=60 # until a started Engine must answer
readonly GONE_SECONDS=20  # until the processes of a stopped one must be gone
readonly FETCH_SECONDS=600

self=$(readlink -f "${BASH_SOURCE[0]}")
repository=$(dirname "$(dirname "$(dirname "$self")")")
cache=$(readlink -m "${OPGATE_ENGINE_CACHE:-${CARGO_TARGET_DIR:-$repository/target}/engine}")
readonly self repository cache

say() { printf 'engine.sh: %s\n' "$*" >&2; }
fail() {
    say "FAILED: $*"
    exit 1
}
unavailable() {
    say "NO ENGINE HERE: $*"
    exit 3
}
usage() {
    sed -n '2,/^$/s/^# \{0,1\}//p' "$self" >&2
    exit 2
}

# --- Packages ---------------------------------------------------------------------------------------------------

# Sets what a variant is made of: `packages` of `suite` are the Engine, `tools` are what is tied to the machine's C
# library and so comes from the release that the machine itself runs.
variant_facts() {
    case $1 in
    28)
        suite=testing
        packages=(docker.io docker-cli containerd docker-buildx docker-compose tini-static)
        tools=(runc iptables busybox-static)
        ;;
    20.10)
        suite=bookworm
        packages=(docker.io containerd tini)
        tools=(runc iptables busybox-static libdevmapper1.02.1)
        ;;
    *) usage ;;
    esac
}

# Prints the entry of the machine's own package sources that holds its Debian release, with the suite replaced by $1.
# Both forms of apt's files are read; whatever else they name (other archives, updates, security) is left out.
sources_with_suite() {
    local wanted=$1 file found=
    for file in /etc/apt/sources.list.d/*.sources /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [[ -r $file ]] || continue
        if [[ $file == *.sources ]]; then
            found=$(awk -v suite="$wanted" -v ours="$release" '
                BEGIN { RS = ""; FS = "\n" }
                {
                    mine = debian = 0; off = 0; text = ""
                    for (i = 1; i <= NF; i++) {
                        line = $i
                        if (line ~ /^#/) continue
                        split(line, word, /[ \t]+/)
                        name = tolower(word[1])
                        if (name == "types:" && line !~ /[ \t]deb([ \t]|$)/) off = 1
                        if (name == "enabled:" && tolower(word[2]) ~ /^(no|false|off|0)$/) off = 1
                        if (name == "types:") line = "Types: deb"
                        if (name == "components:") { debian = line ~ /[ \t]main([ \t]|$)/; line = "Components: main" }
                        if (name == "suites:") {
                            n = split(line, word, /[ \t]+/)
                            for (j = 2; j <= n; j++) if (word[j] == ours) mine = 1
                            line = "Suites: " suite
                        }
                        text = text line "\n"
                    }
                    if (mine && debian && !off) { print text; exit }
                }' "$file")
        else
            # `deb [options] uri suite components` becomes the other form, so that one kind of file is written.
            found=$(awk -v suite="$wanted" -v ours="$release" '
                $1 == "deb" {
                    signed = ""; at = 2
                    if ($2 ~ /^\[/) {
                        for (; at <= NF; at++) {
                            option = $at; gsub(/[][]/, "", option)
                            if (option ~ /^signed-by=/) { signed = option; sub(/^signed-by=/, "", signed) }
                            if ($at ~ /\]$/) { at++; break }
                        }
                    }
                    main = 0
                    for (i = at + 2; i <= NF; i++) if ($i == "main") main = 1
                    if ($(at + 1) != ours || !main) next
                    print "Types: deb\nURIs: " $at "\nSuites: " suite "\nComponents: main"
                    if (signed != "") print "Signed-By: " signed
                    exit
                }' "$file")
        fi
        if [[ -n $found ]]; then
            printf '%s\n\n' "$found"
            return 0
        fi
    done
    return 1
}

# An apt of our own in folder $1: the machine's settings (proxies, keys), but its own sources, lists and cache, no
# hooks, and no index that is not needed.
make_apt() {
    local apt=$1 name ours=
    mkdir -p "$apt"/{lists/partial,cache/archives/partial,none}
    for name in "${VERSION_CODENAME:-}" stable testing unstable sid oldstable; do
        release=$name
        if [[ -n $name ]] && ours=$(sources_with_suite "$name"); then break; fi
    done
    [[ -n $ours ]] || unavailable "no file of /etc/apt names an archive of this machine's Debian release"
    printf '%s\n\n' "$ours" >"$apt/opgate.sources"
    [[ $release == "$suite" ]] || (sources_with_suite "$suite") >>"$apt/opgate.sources"
    cat >"$apt/apt.conf" <<CONF
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Install-Pkgs;
#clear Acquire::IndexTargets::deb::DEP-11;
#clear Acquire::IndexTargets::deb::CNF;
APT::Sandbox::User "root";
APT::Get::AllowUnauthenticated "false";
APT::Install-Recommends "false";
APT::Install-Suggests "false";
Acquire::AllowInsecureRepositories "false";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
Debug::NoLocking "true";
Dir::Etc::sourcelist "$apt/opgate.sources";
Dir::Etc::sourceparts "$apt/none";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "$apt/none";
Dir::State::lists "$apt/lists";
Dir::Cache "$apt/cache";
CONF
}

# Runs one apt-get of ours; what it prints goes to a file that is shown when it fails.
run_apt() {
    local apt=$1
    shift
    if ! timeout "$FETCH_SECONDS" apt-get -c "$apt/apt.conf" -q -y "$@" >"$apt/log" 2>&1 </dev/null; then
        sed 's/^/    /' "$apt/log" >&2
        unavailable "apt-get $1 failed: the package mirror cannot be reached, or lacks what we need"
    fi
}

# The folder of programs that comes first in the Engine's PATH. Programs that need unpacked libraries are reached
# through small scripts, which find their place by themselves.
make_programs() {
    local bin=$1/bin name program
    mkdir -p "$bin"
    for name in dockerd runc {iptables,ip6tables}{,-save,-restore}; do
        case $name in
        dockerd) program="\$top/root/usr/sbin/dockerd\"" ;;
        runc) program="\$top/base/usr/sbin/runc\"" ;;
        *) program="\$top/base/usr/sbin/xtables-\${OPGATE_XTABLES:-nft}-multi\" $name" ;;
        esac
        cat >"$bin/$name" <<SCRIPT
#!/bin/sh
top=\$(dirname "\$(dirname "\$(readlink -f "\$0")")")
lib=\$top/base/usr/lib/$(uname -m)-linux-gnu
export LD_LIBRARY_PATH="\$lib:\$top/base/lib/$(uname -m)-linux-gnu" XTABLES_LIBDIR="\$lib/xtables"
exec "$program "\$@"
SCRIPT
        chmod 755 "$bin/$name"
    done
}

# Fails unless every program of a cache folder finds its shared libraries.
check_libraries() {
    local missing
    missing=$(
        export LD_LIBRARY_PATH
        LD_LIBRARY_PATH=$1/base/usr/lib/$(uname -m)-linux-gnu:$1/base/lib/$(uname -m)-linux-gnu
        ldd "$1"/root/usr/sbin/dockerd "$1"/root/usr/bin/{docker,containerd,containerd-shim-runc-v2} \
            "$1"/base/usr/sbin/{runc,xtables-nft-multi,xtables-legacy-multi} 2>&1 |
            grep 'not found' | sort -u | tr -s '\t\n' ' '
    ) || true
    [[ -z $missing ]] || unavailable "the unpacked Engine misses libraries:$missing"
}

# What the image `busybox:latest` is built from: a static busybox with a link for each of its commands.
make_image() {
    local image=$1/image busybox name
    busybox=$(find "$1/base/bin" "$1/base/usr/bin" -name busybox -type f 2>/dev/null | head -n 1) || true
    [[ -n $busybox ]] || fail "package busybox-static holds no busybox"
    mkdir -p "$image"/rootfs/{bin,etc,root,tmp,var,home}
    chmod 1777 "$image/rootfs/tmp"
    cp "$busybox" "$image/rootfs/bin/busybox"
    while read -r name; do
        [[ $name == busybox ]] || ln -s busybox "$image/rootfs/bin/$name"
    done < <("$busybox" --list)
    printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n' >"$image/rootfs/etc/passwd"
    printf 'root:x:0:\nnogroup:x:65534:\n' >"$image/rootfs/etc/group"
    cat >"$image/Dockerfile" <<'DOCKERFILE'
FROM scratch
COPY rootfs/ /
ENV PATH=/bin
CMD ["sh"]
DOCKERFILE
}

# Fills cache folder $2 with variant $1. Only a whole folder gets its name, and one caller at a time makes it. (In a
# shell of its own, which gives up the lock and the unfinished folder however it ends.)
fetch() (
    variant=$1 place=$2 work=$2.new.$BASHPID
    variant_facts "$variant"
    [[ ! -e $place/version ]] || exit 0
    ((EUID == 0)) || unavailable "an Engine needs root"
    command -v apt-get >/dev/null || unavailable "this machine has no apt-get"
    . /etc/os-release
    [[ ${ID:-} == debian ]] || unavailable "packages are taken from Debian, and this is ${PRETTY_NAME:-something else}"

    mkdir -p "$cache"
    exec 9>"$cache/lock"
    flock -w "$FETCH_SECONDS" 9 || fail "somebody has held $cache/lock for $FETCH_SECONDS s"
    [[ ! -e $place/version ]] || exit 0
    say "fetching Engine $variant into $place"
    rm -rf "$place" "$place".new.*
    trap 'rm -rf "$work"' EXIT
    mkdir -p "$work"/{apt,root,base}
    make_apt "$work/apt"
    run_apt "$work/apt" update
    (cd "$work/apt/cache" && run_apt "$work/apt" download "${packages[@]/%//$suite}")
    # With the tools comes what they need and the machine lacks: apt works that out, and only downloads it.
    run_apt "$work/apt" install --download-only --reinstall -t "$release" "${tools[@]}"
    for package in "$work"/apt/cache/*.deb; do dpkg -x "$package" "$work/root"; done
    for package in "$work"/apt/cache/archives/*.deb; do dpkg -x "$package" "$work/base"; done
    rm -rf "$work/apt" "$work"/{root,base}/usr/share/{doc,man}
    check_libraries "$work"
    make_programs "$work"
    make_image "$work"
    "$work/bin/dockerd" --version >"$work/version"
    mv -T "$work" "$place"
    say "fetched $(<"$place/version") in $SECONDS s"
    [[ $(<"$place/version") == *" $variant."* ]] || say "NOTE: Debian's $suite now has another Engine than $variant"
)

# --- Processes --------------------------------------------------------------------------------------------------

# When process $1 started, in clock ticks: with it a process id means one process, not whoever got the number next.
started_at() {
    local stat
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
    stat=${stat##*) }
    set -- $stat
    [[ $1 != Z ]] && printf '%s' "${20}"
}

# Whether the process recorded as `pid ticks` still runs.
runs() { [[ $(started_at "$1") == "$2" ]]; }

# First process of the namespaces: says who it is, makes the mounts, and becomes the Engine.
inside() {
    local place=$1 dir=$2 pid stat flags=()
    # /proc is still the one outside, so this is our id as seen from there.
    read -r pid stat </proc/self/stat
    printf '%s %s\n' "$pid" "$(started_at "$pid")" >"$dir/first"
    mount -t proc proc /proc
    # A /run of its own keeps the sockets and locks with fixed names apart from an Engine of the machine.
    [[ $dir == /run/* ]] || mount -t tmpfs -o mode=755 tmpfs /run
    # A /sys of these namespaces (the Engine reads its bridges there), with the control groups as they were mounted.
    mkdir -p "$dir/run/cgroup"
    mount --rbind /sys/fs/cgroup "$dir/run/cgroup"
    mount -t sysfs sysfs /sys
    mount --rbind "$dir/run/cgroup" /sys/fs/cgroup
    umount -l "$dir/run/cgroup"
    grep -q ' - cgroup' /proc/self/mountinfo || mount -t cgroup2 cgroup2 /sys/fs/cgroup
    "$place/image/rootfs/bin/busybox" ip link set lo up
    PATH="$place/bin:$place/root/usr/bin:$place/root/usr/sbin:$PATH"
    # Which of the two firewall programs the kernel serves; the Engine does without when neither works.
    for OPGATE_XTABLES in nft legacy none; do
        export OPGATE_XTABLES
        [[ $OPGATE_XTABLES != none ]] || flags=(--iptables=false --ip6tables=false)
        if iptables -t nat -A POSTROUTING -m addrtype --src-type LOCAL -j MASQUERADE 2>/dev/null; then
            iptables -t nat -D POSTROUTING -m addrtype --src-type LOCAL -j MASQUERADE
            break
        fi
    done
    exec docker-init -- dockerd --config-file "$dir/daemon.json" -H "unix://$dir/docker.sock" "${flags[@]}"
}

# --- Commands ---------------------------------------------------------------------------------------------------

# Prints what a caller needs to know of the Engine on socket $1, with CLI $2 and CLI configuration $3.
print_facts() {
    local facts
    facts=$(docker_with "$1" "$2" "$3" version --format '{{.Server.Version}} {{.Server.APIVersion}}')
    printf 'OPGATE_ENGINE_SOCKET=%s\nOPGATE_DOCKER_CLI=%s\nOPGATE_DOCKER_CONFIG=%s\n' "$1" "$2" "$3"
    printf 'OPGATE_ENGINE_VERSION=%s\nOPGATE_ENGINE_API=%s\n' "${facts% *}" "${facts#* }"
}

# Runs docker CLI $2 with configuration $3 on socket $1, and no setting of the caller's own.
docker_with() {
    local socket=$1 cli=$2 config=$3
    shift 3
    env -u DOCKER_HOST -u DOCKER_CONTEXT -u DOCKER_TLS_VERIFY -u DOCKER_API_VERSION \
        timeout 60 "$cli" --config "$config" -H "unix://$socket" "$@" </dev/null
}

# An Engine that the environment gives.
given() {
    local socket=${OPGATE_TEST_ENGINE#unix://} cli
    [[ $OPGATE_TEST_ENGINE == unix:///* ]] || fail "OPGATE_TEST_ENGINE is not of the form unix:///path"
    [[ -S $socket ]] || fail "OPGATE_TEST_ENGINE names no socket: $socket"
    cli=${OPGATE_DOCKER_CLI:-$(command -v docker || true)}
    [[ -n $cli ]] || fail "OPGATE_TEST_ENGINE is given, but neither OPGATE_DOCKER_CLI nor a docker in PATH"
    cli=$(readlink -f "$cli")
    docker_with "$socket" "$cli" "$1/cli" image inspect busybox:latest >/dev/null ||
        fail "the Engine of OPGATE_TEST_ENGINE has no image busybox:latest"
    print_facts "$socket" "$cli" "$1/cli"
    printf 'OPGATE_ENGINE_DIR=%s\nOPGATE_ENGINE_PIDS=\nOPGATE_ENGINE_LOG=\n' "$1"
}

start() {
    local variant=$1 dir place cli tries first ticks
    dir=$(readlink -m "$2")
    place=$cache/$variant
    variant_facts "$variant"
    # A socket address holds 107 bytes, and the Engine makes sockets deep below its folders.
    ((${#dir} <= 60)) || fail "$dir is too long for the sockets below it (60 bytes)"
    [[ ! -e $dir ]] || [[ -z $(ls -A "$dir") ]] || fail "$dir is not empty"
    if [[ -z ${OPGATE_TEST_ENGINE:-} ]]; then
        fetch "$variant" "$place"
        ((EUID == 0)) || unavailable "an Engine needs root"
        unshare --mount --net --pid --fork true 2>/dev/null || unavailable "no namespaces can be made here"
    fi
    mkdir -p "$dir"/{data,run,cli}
    touch "$dir/.opgate-engine"
    trap "stop ${dir@Q}" EXIT # until it is up
    if [[ -n ${OPGATE_TEST_ENGINE:-} ]]; then
        given "$dir"
        trap - EXIT
        return
    fi
    mkdir -p "$cache/started"
    ln -sfn "$dir" "$cache/started/${dir//\//_}"
    printf '/opgate-engine-%s\n' "$$" >"$dir/cgroup"
    cat >"$dir/daemon.json" <<JSON
{
  "data-root": "$dir/data",
  "exec-root": "$dir/run",
  "pidfile": "$dir/dockerd.pid",
  "group": "root",
  "cgroup-parent": "$(<"$dir/cgroup")",
  "exec-opts": ["native.cgroupdriver=cgroupfs"]
}
JSON
    printf '{"cliPluginsExtraDirs": ["%s"]}\n' "$place/root/usr/libexec/docker/cli-plugins" >"$dir/cli/config.json"
    setsid unshare --mount --net --pid --fork --kill-child=KILL --propagation slave \
        "$BASH" "$self" inside "$place" "$dir" </dev/null >"$dir/log" 2>&1 &
    printf '%s %s\n' "$!" "$(started_at "$!")" >"$dir/outer"

    cli=$place/root/usr/bin/docker
    tries=0
    until [[ -S $dir/docker.sock ]] && docker_with "$dir/docker.sock" "$cli" "$dir/cli" version >/dev/null 2>&1; do
        read -r first ticks <"$dir/outer"
        if ! runs "$first" "$ticks" || ((++tries > READY_SECONDS * 10)); then
            tail -n 40 "$dir/log" >&2
            fail "the Engine ended, or did not answer within $READY_SECONDS s; above are its last lines"
        fi
        sleep 0.1
    done
    DOCKER_BUILDKIT=0 docker_with "$dir/docker.sock" "$cli" "$dir/cli" build -q -t busybox:latest "$place/image" \
        >"$dir/image" 2>"$dir/build" || { cat "$dir/build" >&2 && fail "the image busybox:latest was not built"; }
    print_facts "$dir/docker.sock" "$cli" "$dir/cli"
    read -r first ticks <"$dir/first"
    printf 'OPGATE_ENGINE_DIR=%s\nOPGATE_ENGINE_PIDS=%s\nOPGATE_ENGINE_LOG=%s\n' "$dir" "$first" "$dir/log"
    trap - EXIT
}

# Kills the first process of the namespaces, and with it the kernel all others; then removes what is left in files.
stop() {
    local dir record pid ticks tries group
    dir=$(readlink -m "$1")
    [[ -e $dir ]] || return 0
    [[ -e $dir/.opgate-engine ]] || fail "$dir was not made by this script"
    for record in first outer; do
        [[ -s $dir/$record ]] || continue
        read -r pid ticks <"$dir/$record"
        tries=0
        while runs "$pid" "$ticks"; do
            ((++tries <= GONE_SECONDS * 20)) || fail "process $pid of $dir does not end"
            kill -KILL "$pid" 2>/dev/null || true
            sleep 0.05
        done
    done
    if [[ -s $dir/cgroup ]]; then
        group=$(<"$dir/cgroup")
        # Deepest first; a group whose last process is just going is busy for a moment.
        for tries in {1..40}; do
            find /sys/fs/cgroup -depth -type d -path "*$group*" -exec rmdir {} + 2>/dev/null || true
            [[ -n $(find /sys/fs/cgroup -maxdepth 2 -type d -name "${group#/}") ]] || break
            sleep 0.05
        done
    fi
    # Mounts were made in a namespace that is gone; should one be seen from here, it goes before files do.
    awk -v dir="$dir/" 'index($5, dir) == 1 { print $5 }' /proc/self/mountinfo | tac | while read -r mount; do
        umount -l "$mount" || fail "cannot unmount $mount"
    done
    rm -rf --one-file-system "$dir"
    rm -f "$cache/started/${dir//\//_}"
}

# Stops the Engines whose `hold` was killed before it could.
sweep() {
    local link dir pid ticks
    for link in "$cache"/started/*; do
        [[ -L $link ]] || continue
        dir=$(readlink "$link")
        [[ -e $dir ]] || rm -f "$link"
        if [[ -s $dir/holder ]] && read -r pid ticks <"$dir/holder" && ! runs "$pid" "$ticks"; then
            say "stopping $dir, which was left running"
            (stop "$dir") || true
        fi
    done
}

hold() {
    local dir
    dir=$(readlink -m "$2")
    trap 'exit 130' INT TERM HUP
    trap '' PIPE # whoever reads what we print may be gone when we stop
    sweep
    start "$1" "$dir"
    trap "trap '' INT TERM HUP; stop ${dir@Q}" EXIT
    printf '%s %s\n' "$$" "$(started_at "$$")" >"$dir/holder"
    printf 'OPGATE_ENGINE_READY=1\n'
    while read -r; do :; done
}

status() {
    local place link dir pid ticks
    for place in "$cache"/*/version; do
        [[ -e $place ]] && printf 'fetched %s: %s\n' "$(basename "$(dirname "$place")")" "$(<"$place")"
    done
    for link in "$cache"/started/*; do
        [[ -L $link ]] || continue
        dir=$(readlink "$link")
        if [[ -s $dir/first ]] && read -r pid ticks <"$dir/first" && runs "$pid" "$ticks"; then
            printf 'running %s: process %s\n' "$dir" "$pid"
        else
            printf 'not running %s: run stop to clean up\n' "$dir"
        fi
    done
}

command=${1:-}
[[ $# -eq 0 ]] || shift
case $command in
fetch)
    (($# <= 1)) || usage
    variant=${1:-28}
    fetch "$variant" "$cache/$variant"
    ;;
start | hold)
    case $# in
    1) "$command" 28 "$1" ;;
    2) "$command" "$1" "$2" ;;
    *) usage ;;
    esac
    ;;
stop)
    (($# == 1)) || usage
    stop "$1"
    ;;
status)
    (($# == 0)) || usage
    status
    ;;
inside) inside "$@" ;;
*) usage ;;
esac
