see docker create --name "$n" busybox sh -c 'echo out; echo err >&2; exit 3'
exits 3 docker start -a "$n"
see docker rm "$n"
see docker run -d --name "$n" busybox sh -c 'trap "echo ending; exit 9" TERM; while :; do echo again; sleep 0.1; done'
export BLUR='/again/d'
start docker attach --no-stdin "$n"
await again
see docker stop "$n"
finish 9
exits 1 docker attach --no-stdin "$n"
exits 1 docker attach --no-stdin "$n-none"
see docker rm "$n"
