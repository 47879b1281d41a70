see docker run -d --name "$n-one" --label "$n" -v /data busybox sleep 300
BLUR='s/[0-9]{2,} +/PID /' see docker top "$n-one" -o pid,args
see docker rm -f -v "$n-one"
exits 1 docker inspect "$n-one"
see docker create --name "$n-two" --label "$n" busybox
see docker volume create --label "$n" "$n"
see docker network create --label "$n" "$n"
see docker commit "$n-two" "$n:one"
see docker container prune -f --filter "label=$n"
see docker volume prune -f --all --filter "label=$n"
see docker network prune -f --filter "label=$n"
see docker image prune -f --filter "label=$n"
see docker rmi -f "$n:one"
