# Traefik makes routes of labels, at the start and when a container comes.
. "$(dirname "$0")/../words.sh"

web() { engine run -d --name "$n-$1" --label "traefik.http.routers.$1.rule=Host(\`$1.example\`)" --label "traefik.http.services.$1.loadbalancer.server.port=80" busybox sleep 300 >/dev/null; }
web one
"$PROGRAM" --providers.docker.endpoint="$DOCKER_HOST" --providers.docker.constraints="" --entrypoints.web.address=127.0.0.1:0 \
    --entrypoints.traefik.address=127.0.0.1:0 --api.insecure=true --log.level=DEBUG --log.noColor=true \
    --global.checknewversion=false --global.sendanonymoususage=false >log 2>&1 &
started=$!
await grep -q 'one@docker' log
web two
await grep -q 'two@docker' log
! grep -q 'Provider error' log || fail "$(grep 'Provider error' log)"
