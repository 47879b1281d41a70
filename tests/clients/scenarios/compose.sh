cat >compose.yaml <<COMPOSE
name: $n
services:
  one:
    image: busybox
    command: sh -c 'echo started; exec sleep 300'
    stop_signal: KILL
    environment: { A: b }
    volumes: ["data:/data"]
    healthcheck: { test: ["CMD", "true"], interval: 1s }
  two:
    build: .
    stop_signal: KILL
    depends_on: { one: { condition: service_healthy } }
volumes: { data: {} }
COMPOSE
printf 'FROM busybox\nLABEL of=%s\nCMD ["sh", "-c", "echo second; exec sleep 300"]\n' "$n" >Dockerfile
export DOCKER_BUILDKIT=0 COMPOSE_PROGRESS=quiet COMPOSE_MENU=false
see docker compose config --services
# The context is compressed, and so as large as names are random.
BLUR='s/(Docker daemon +).*/\1SIZE/' see docker compose up -d --build
see docker compose ps --format '{{.Name}} {{.Service}} {{.State}} {{.Health}}'
see docker compose exec -T one sh -c 'echo $A; ping -c 1 -q -W 5 two >/dev/null && echo reached'
exits 4 docker compose exec -T one sh -c 'exit 4'
see docker compose logs --no-log-prefix one
see docker compose logs two
start docker compose logs -f --no-log-prefix two
await second
see docker compose kill two
finish
see docker compose run --rm --no-deps -T two echo run
see docker compose up -d
see docker compose stop
see docker compose down --volumes --rmi local
see docker compose ls -a --filter "name=$n"
see docker ps -aq --filter "label=com.docker.compose.project=$n"
