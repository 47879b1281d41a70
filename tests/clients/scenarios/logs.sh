see docker run -d --name "$n" --label a=b busybox sh -c 'echo one; echo two >&2; echo three; exec sleep 300'
start docker logs -f "$n"
await three
see docker kill "$n"
finish
see docker logs "$n"
see docker logs -t "$n"
see docker logs --details --since 2020-01-01T00:00:00 "$n"
see docker logs --until 2020-01-01T00:00:00 "$n"
see docker rm "$n"
see docker run -d --name "$n" busybox sh -c 'seq 1 20; exec sleep 300'
start docker logs -f --tail 3 "$n"
await 20
leave 143
see docker logs --tail 2 "$n"
exits 1 docker logs "$n-none"
