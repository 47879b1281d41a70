both_sums() {
    set -o pipefail
    "$@" 2>errors-alone | md5sum && md5sum <errors-alone
}
lines='line=$(seq -s , 1 2000); for i in $(seq 1 1000); do echo "$line"; done'
see both_sums docker run --rm busybox sh -c "$lines"
see both_sums docker run --rm busybox sh -c 'seq 1 50000; seq 1 50000 >&2'
see both_sums docker run --rm -t busybox seq 1 50000
see docker run -d --name "$n" busybox sh -c 'seq 1 100000; seq 1 50000 >&2'
see docker wait "$n"
see both_sums docker logs "$n"
