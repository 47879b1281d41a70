# The commands that the GitHub Actions runner gives for a job with a container and a service.
. "$(dirname "$0")/../words.sh"

docker version --format '{{.Server.APIVersion}}' >/dev/null
docker ps --all --quiet --no-trunc --filter "label=$n"
docker network prune --force --filter "label=$n"
mkdir -p _work/shop
docker network create --label "$n" "$n-network"
docker create --name "$n-db" --label "$n" --network "$n-network" --network-alias db -p 5432 -e A=b busybox sleep 300
docker create --name "$n-job" --label "$n" --workdir /__w/shop --network "$n-network" -e HOME=/github/home \
    -v /var/run/docker.sock:/var/run/docker.sock -v "$PROJECTS/_work:/__w" --entrypoint tail busybox -f /dev/null
docker start "$n-db" "$n-job"
docker ps --all --filter "name=$n-job" --filter status=running --no-trunc --format '{{.ID}} {{.Status}}' | grep -q Up
docker inspect --format '{{if .Config.Healthcheck}}{{print .State.Health.Status}}{{end}}' "$n-db"
docker port "$n-db" | grep -q 5432
[[ $(docker exec -i --workdir /__w/shop -e CI=1 "$n-job" sh -c 'echo made > made; pwd') == /__w/shop ]]
[[ $(<_work/shop/made) == made ]] || fail 'the work folder is another'
docker exec "$n-job" ping -c 1 -w 20 db >/dev/null
docker logs --details "$n-db"
docker run --rm --name "$n-action" --label "$n" --workdir /github/workspace -v "$PROJECTS/_work/shop:/github/workspace" busybox cat made | grep -q made

# What is mounted into the job is the gate, which knows nothing of this client's rights but its policy.
mounts=$(engine inspect --format '{{range .Mounts}}{{.Source}} {{.Destination}};{{end}}' "$n-job")
[[ $mounts == *"$GATES/github-actions-runner.sock /var/run/docker.sock;"* ]] || fail "another socket: $mounts"
docker exec "$n-job" test -S /var/run/docker.sock

refused Privileged docker create --privileged busybox
refused 'mounts[].source=/' docker create -v /:/host busybox
refused 'networks[]=host' docker create --network host busybox
refused query.filters docker network prune --force
docker rm --force "$n-job" "$n-db"
docker network rm "$n-network"
