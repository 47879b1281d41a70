# The docker CLI as a coding agent uses it.
. "$(dirname "$0")/../words.sh"

engine run -d --name "$n-other" busybox sleep 300 >/dev/null
mkdir shop
out=$(docker run --rm --name "$n-run" -v "$PROJECTS/shop:/work" busybox sh -c 'id -u > /work/made; grep -E "^(CapEff|NoNewPrivs)" /proc/self/status')
[[ $out == *'CapEff:'*0000000000000000* && $out == *'NoNewPrivs:'*1* ]] || fail "not confined: $out"
[[ $(<shop/made) == 0 ]] || fail 'the project was not written'

docker run -d --name "$n-mine" -p 127.0.0.1::80 busybox sleep 300 >/dev/null && fail 'a port out of the range' || true
docker rm -f "$n-mine" >/dev/null
docker run -d --name "$n-mine" -m 64m busybox sh -c 'echo said; exec sleep 300' >/dev/null
[[ $(docker ps -a --format '{{.Names}}') == "$n-mine" ]] || fail 'it sees what is not its own'
[[ $(docker inspect -f '{{.HostConfig.Memory}} {{.HostConfig.PidsLimit}}' "$n-mine") == '67108864 512' ]] || fail 'other limits'
[[ $(docker exec "$n-mine" hostname) == $(docker ps -q) ]]
await eval '[[ $(docker logs "$n-mine") == said ]]'
docker stats --no-stream "$n-mine" >/dev/null
docker top "$n-mine" >/dev/null

refused Privileged docker run --rm --privileged busybox true
refused 'mounts[].source=/' docker run --rm -v /:/host busybox true
refused docker.sock docker run --rm -v /var/run/docker.sock:/var/run/docker.sock busybox true
refused NetworkMode docker run --rm --network host busybox true
refused PidMode docker run --rm --pid host busybox true
refused body.User docker exec -u root "$n-mine" id
refused ContainerArchive docker cp "$n-other:/etc/passwd" -
refused reference docker pull registry.example.com/x
docker stop -t 0 "$n-mine" >/dev/null
docker rm "$n-mine" >/dev/null
