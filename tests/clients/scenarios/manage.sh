see docker run -d --name "$n" --expose 80 busybox sh -c 'echo x >/file; rm -r /home; exec sleep 300'
until [[ $(docker top "$n") == *sleep\ 300* ]]; do :; done
BLUR='s/ +/ /g; s/[0-9]+ [0-9]+ [0-9]+ [0-9:]+ /PIDS /; s/[0-9:]{5,}/T/g' see docker top "$n"
see docker diff "$n"
see docker port "$n"
see docker rename "$n" "$n-renamed"
exits 1 docker inspect --type container "$n"
see docker rename "$n-renamed" "$n"
see docker update --memory 64m --memory-swap 64m --cpu-shares 100 --pids-limit 60 --restart no "$n"
see docker inspect --format '{{.HostConfig.Memory}} {{.HostConfig.CpuShares}} {{.HostConfig.PidsLimit}}' "$n"
see docker pause "$n"
exits 1 docker exec "$n" true
see docker inspect --format '{{.State.Status}} {{.Name}} {{.Config.Image}}' "$n"
see docker unpause "$n"
start docker wait "$n"
see docker kill --signal KILL "$n"
await 137
finish
exits 1 docker kill "$n"
see docker wait "$n"
see docker start "$n"
see docker restart -t 0 "$n"
exits 1 docker rm "$n"
see docker stop -t 0 "$n"
see docker stop "$n"
exits 1 docker start "$n-none"
see docker rm "$n"
exits 1 docker rm "$n"
