export DOCKER_BUILDKIT=0
mkdir context && echo content >context/file && echo not >context/ignored && echo ignored >context/.dockerignore
cat >context/Dockerfile <<'DOCKERFILE'
FROM busybox AS base
ARG WORD=none
RUN echo "word is $WORD"
RUN echo to-stderr >&2
COPY . /here/
LABEL a=b
FROM base
RUN ls -A /here
ENV C=d
CMD ["cat", "/here/file"]
DOCKERFILE
see docker build --no-cache -t "$n:one" --build-arg WORD=given --label x=y context
see docker run --rm "$n:one"
see docker build -t "$n:one" -t "$n:two" --build-arg WORD=given --label x=y context
BLUR='s/Sending build context to Docker daemon.*//' see docker build -q --target base context
see docker image inspect --format '{{json .Config}} {{.RepoTags}}' "$n:one"
tar -c -C context . | see docker build -t "$n:three" --memory 64m --ulimit nofile=64 --network none -
printf 'FROM busybox\nRUN echo from-stdin\n' | see docker build --force-rm --no-cache -
printf 'FROM busybox\nRUN echo before; exit 3\n' | exits 3 docker build --no-cache --force-rm -
printf 'FROM nothing like it\n' | exits 1 docker build -
printf 'FROM busybox\nNOTHING\n' | exits 1 docker build -
head -c 30000000 /dev/zero >context/large
printf 'FROM busybox\nCOPY large /\nRUN md5sum /large\n' >context/other
see docker build -f context/other --no-cache -t "$n:large" context
see docker rmi "$n:one" "$n:two" "$n:three" "$n:large"
