export DOCKER_BUILDKIT=1 BUILDKIT_PROGRESS=plain
# Builds say how long each step took and how far it came; steps that do not need each other end in any order.
told() {
    local code=0
    "$@" >told 2>&1 || code=$?
    sed -E 's/^#[0-9]+/#/; s/[0-9]+\.[0-9]+s?/N/g; s/( N)? done$//; /transferring|copying files|^# (resolve|CACHED)| \.\.\.$/d' told | sort -u
    return $code
}
mkdir context && echo content >context/file && echo secret >secret
cat >context/Dockerfile <<'DOCKERFILE'
FROM busybox
ARG WORD
COPY file /file
RUN --mount=type=secret,id=it echo "word is $WORD" && cat /run/secrets/it /file
CMD ["cat", "/file"]
DOCKERFILE
see told docker build --no-cache -t "$n:one" --build-arg WORD=given --secret id=it,src=secret context
see docker run --rm "$n:one"
see docker build -q -t "$n:two" --build-arg WORD=given --secret id=it,src=secret context
tar -c -C context . | see told docker build --no-cache -t "$n:three" --secret id=it,src=secret -
printf 'FROM busybox\nRUN echo before; exit 3\n' | exits 1 told docker build --no-cache -
head -c 30000000 /dev/zero >context/large
printf 'FROM busybox\nCOPY large /\nRUN md5sum /large\n' >context/other
see told docker build --no-cache -f context/other --output type=local,dest=result context
see cmp context/large result/large
see told docker buildx build --no-cache --load -t "$n:four" --secret id=it,src=secret --metadata-file metadata context
printf 'services: { one: { build: context, image: "%s:five" } }\n' "$n" >compose.yaml
sed -i '/^RUN/d' context/Dockerfile
see told docker compose build
see docker buildx ls --format '{{.Name}} {{.DriverEndpoint}} {{.Status}} {{.Buildkit}}'
see docker rmi "$n:one" "$n:two" "$n:three" "$n:four" "$n:five"
