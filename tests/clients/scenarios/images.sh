see docker tag busybox "$n:one"
see docker tag "$n:one" "$n/with/path:two"
BLUR='s/(Less than a|About a|[0-9]+) (second|minute|hour)s?( ago)?/AGO/g; s/ +/ /g' see docker images "$n*"
see docker images --no-trunc --quiet "$n"
see docker images --digests --filter "reference=$n/*/*" --format '{{.Repository}} {{.Tag}} {{.Digest}} {{.Size}}'
see docker image inspect --format '{{.Id}} {{.Created}} {{json .Config}} {{json .RootFS}} {{.Size}}' "$n:one"
see docker history --no-trunc --human=false "$n:one"
see docker save -o both.tar "$n:one" "$n/with/path:two"
see docker rmi "$n:one" "$n/with/path:two"
exits 1 docker image inspect "$n:one"
see docker load -i both.tar
saved() {
    set -o pipefail
    docker save "$1" | tar -t | sort
}
see saved "$n:one"
see docker load -q <both.tar
exits 1 docker save "$n:none"
exits 1 docker tag "$n:none" "$n:other"
exits 1 docker rmi "$n:none"
exits 1 docker load <<<'no archive'

see docker run --name "$n" busybox sh -c 'echo changed >/file'
see docker commit --author somebody --message why --change 'CMD ["cat", "/file"]' --change 'ENV A=b' "$n" "$n:changed"
see docker run --rm "$n:changed"
see docker image inspect --format '{{json .Config}} {{.Author}} {{.Comment}}' "$n:changed"
see docker diff "$n"
see docker export -o whole.tar "$n"
see tar -tf whole.tar file bin/busybox
see docker import --message imported --change 'CMD ["cat", "/file"]' whole.tar "$n:imported"
see docker run --rm "$n:imported"
see docker import - "$n:streamed" <whole.tar
see docker rm "$n"
see docker rmi "$n:changed" "$n:imported" "$n:streamed" "$n:one" "$n/with/path:two"
