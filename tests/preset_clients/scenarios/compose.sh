# A project from up to down, and what compose.yaml may not ask for.
. "$(dirname "$0")/../words.sh"

mkdir shop && cd shop
export COMPOSE_PROJECT_NAME=$n
echo content >file
cat >compose.yaml <<'YAML'
services:
  db:
    image: busybox
    command: sh -c 'echo ready; exec sleep 300'
    init: true
    volumes: [data:/data]
    healthcheck: { test: [CMD, "true"], interval: 1s }
  web:
    image: busybox
    command: sleep 300
    init: true
    depends_on: { db: { condition: service_healthy } }
    ports: ["127.0.0.1::8080"]
    volumes: [./:/app:ro]
volumes: { data: }
YAML
docker compose up -d --wait
[[ $(docker compose exec -T web cat /app/file) == content ]]
docker compose exec -T web ping -c 1 -w 20 db >/dev/null
[[ $(docker compose logs --no-log-prefix db) == ready ]]
[[ $(docker compose ps -q | wc -l) == 2 ]]
docker compose port web 8080 | grep -q '^127.0.0.1:'
docker compose run --rm -T web echo ran | grep -q ran
docker compose cp web:/app/file copied && [[ $(<copied) == content ]]
docker compose up -d --scale web=2 --wait
docker compose restart -t 0 db
docker compose down -v -t 0
[[ -z $(engine ps -aq --filter "name=$n") && -z $(engine volume ls -q --filter "name=$n") ]] || fail 'something is left'

# One service after another with one more line.
shut() {
    printf 'services: { web: { image: busybox, %s } }\n' "$2" >compose.yaml
    refused "$1" docker compose up -d
    docker compose down -t 0
}
shut Privileged 'privileged: true'
shut 'mounts[].source=/' 'volumes: ["/:/host"]'
shut docker.sock 'volumes: ["/var/run/docker.sock:/var/run/docker.sock"]'
shut CapAdd 'cap_add: [SYS_ADMIN]'
shut 'networks[]=host' 'network_mode: host'
shut PidMode 'pid: host'
shut Devices 'devices: ["/dev/null:/dev/x"]'
shut HostPort 'ports: ["80:80"]'
