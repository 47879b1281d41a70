see docker run --name "$n" busybox sh -c 'echo x >/file'
ago='s/(Less than a|About a|[0-9]+) (second|minute|hour)s?( ago)?/AGO/g; s/ +/ /g'
BLUR=$ago see named docker system df -v
see docker system df
see docker rm "$n"
see docker system df --format '{{json .}}'
BLUR=$ago see docker ps -a
BLUR=$ago see sorted docker images --all --no-trunc
see docker image inspect busybox
see docker volume ls
see docker network ls
