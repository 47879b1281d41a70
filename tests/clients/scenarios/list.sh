see docker create --name "$n-created" --label "$n=x" --label role=a busybox true
see docker run -d --name "$n-running" --label "$n=y" --label role=b busybox sleep 300
exits 3 docker run --name "$n-exited" --label "$n=x" busybox sh -c 'exit 3'
ago='s/(Less than a|About a|[0-9]+) (second|minute)s?( ago)?/AGO/g; s/ +/ /g'
BLUR=$ago see docker ps --filter "name=$n"
BLUR=$ago see docker ps -a --no-trunc --filter "name=$n"
see docker ps -aq --filter "label=$n"
see docker ps -a --filter "label=$n=x" --filter status=exited --format '{{.Names}} {{.State}}'
see docker ps -a --filter "name=$n" --filter exited=3 --format '{{.Names}} {{.Labels}} {{.Ports}} {{.Networks}}'
see docker ps -a --filter "name=$n" --filter ancestor=busybox --filter "before=$n-exited" --format '{{.Names}}'
BLUR='s/\(virtual.*\)//' see docker ps -a --size --filter "name=$n" --format '{{.Names}} {{.Size}}'
see docker ps -n 1 --filter "name=$n" --format '{{.Names}}'
exits 1 docker ps --filter nothing=like-that
see docker inspect --type container --format '{{.Name}} {{.Id}} {{.Created}}' "$n-created" "$n-exited"
exits 1 docker inspect "$n-none"
