see docker run --rm busybox echo hello
see docker run --rm busybox sh -c 'echo out; echo err >&2; echo more'
exits 1 docker run --rm busybox false
exits 7 docker run --rm busybox sh -c 'echo early; exit 7'
exits 125 docker run --pull never --rm "$n:none" true
exits 125 docker run --rm --memory 1m busybox true
# The CLI of 20.10 may or may not say more: it gives up waiting while the answer comes.
waiting='/error waiting for container: context canceled/d'
BLUR=$waiting exits 126 docker run --rm busybox /etc
BLUR=$waiting exits 127 docker run --rm busybox nothing-like-that
# The shell inside says "Killed", or once in thousands of times it does not: that is no docker's business.
exits 137 docker run --rm busybox sh -c 'exec 2>/dev/null; sleep 300 & kill -KILL $!; wait $!'

see docker run -d --name "$n" --hostname here --user 1:1 --env A=b --workdir /tmp --label x=y --entrypoint sleep \
    --memory 64m --cpus 0.5 --pids-limit 50 --ulimit nofile=64:64 --read-only --init \
    --cap-drop ALL --restart on-failure:2 --stop-signal KILL --stop-timeout 1 --health-cmd true --shm-size 1m \
    --network none busybox 300
BLUR='s/"(Pid|StartPeriod)": [0-9]+/"\1": 0/; s/"Status": "(starting|healthy)"/"Status": ""/' see docker inspect \
    --format '{{json .Config}} {{json .HostConfig}} {{json .Mounts}} {{.State.Status}} {{json .NetworkSettings.Networks}}' "$n"
exits 125 docker run --name "$n" busybox true
see docker kill "$n"
see docker rm "$n"

# The client passes signals on, and ends as the container does.
start docker run --rm --name "$n" busybox sh -c 'trap "echo ending; exit 9" TERM; echo ready; while :; do sleep 0.1; done'
await ready
leave 9
