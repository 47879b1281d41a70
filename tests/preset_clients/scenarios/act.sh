# A workflow with two jobs, one of them in a container with a service.
. "$(dirname "$0")/../words.sh"

export GIT_CONFIG_GLOBAL=/dev/null
mkdir -p shop/.github/workflows && cd shop
cat >.github/workflows/ci.yml <<'YAML'
on: push
jobs:
  plain:
    runs-on: ubuntu-latest
    steps:
      - { run: echo made > made, shell: sh }
      - { run: test -f made && test -S /var/run/docker.sock && echo both are there, shell: sh }
  contained:
    runs-on: ubuntu-latest
    container: busybox:latest
    services: { db: { image: "busybox:latest" } }
    steps:
      - { run: echo in a container, shell: sh }
YAML
git init -q .
git add .
git -c user.name=me -c user.email=me@example.com commit -qm first
act() {
    "$PROGRAM" push --pull=false --action-offline-mode -P ubuntu-latest=busybox:latest \
        --container-daemon-socket unix:///var/run/docker.sock "$@" 2>&1
}
said=$(act --network bridge) || fail "$said"
[[ $said == *'both are there'* && $said == *'in a container'* ]] || fail "$said"
refused 'networks[]=host' act --network host --job plain
refused Privileged act --network bridge --privileged --job plain
