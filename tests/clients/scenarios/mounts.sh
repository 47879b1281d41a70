mkdir shared && echo from-host >shared/file
see docker run --rm -v "$PWD/shared:/shared" busybox sh -c 'cat /shared/file; echo from-container >/shared/other'
see cat shared/other
exits 1 docker run --rm -v "$PWD/shared:/shared:ro" busybox touch /shared/none
see docker run --rm --mount "type=bind,source=$PWD/shared,target=/shared,readonly" busybox cat /shared/file
see docker run --rm -v "$n:/data" busybox sh -c 'echo kept >/data/file'
see docker run --rm --mount "type=volume,source=$n,target=/data" busybox cat /data/file
see docker run --rm --mount type=tmpfs,target=/t busybox df -P /t
see docker run -d --name "$n" -v "$n:/data" -v /anonymous busybox sleep 300
see docker run --rm --volumes-from "$n" busybox cat /data/file
see sorted docker inspect --format '{{range .Mounts}}{{.Destination}} {{json .}}{{println}}{{end}}' "$n"
see docker inspect --format '{{json .HostConfig.Binds}}' "$n"
exits 1 docker volume rm "$n"
see docker kill "$n"
see docker rm "$n"
see docker volume rm "$n"
