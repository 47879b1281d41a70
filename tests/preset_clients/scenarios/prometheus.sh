# Prometheus finds the containers with a label.
. "$(dirname "$0")/../words.sh"

engine run -d --name "$n-found" --label "$n" busybox sleep 300 >/dev/null
engine run -d --name "$n-other" busybox sleep 300 >/dev/null
cat >prometheus.yml <<YAML
scrape_configs:
  - job_name: docker
    docker_sd_configs: [{ host: "$DOCKER_HOST", refresh_interval: 1s, filters: [{ name: label, values: ["$n"] }] }]
YAML
"$PROGRAM" --config.file=prometheus.yml --storage.tsdb.path=data --web.listen-address=127.0.0.1:0 >log 2>&1 &
started=$!
await grep -q 'Listening on' log
address=$(sed -n 's/.*Listening on.*address=\([0-9.:]*\).*/\1/p' log | head -n 1)
targets() { curl -sS "http://$address/api/v1/targets"; }
await eval 'targets | grep -q "$n-found"'
! targets | grep -q "$n-other" || fail 'it found what has no label'
