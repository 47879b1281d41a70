# Addresses are given out in turn.
export BLUR='s/(172|192)\.[0-9]+\.[0-9]+\.[0-9]+/IP/g; s/([0-9a-f]{2}:){5}[0-9a-f]{2}/MAC/g; s/[0-9.]+ ms/N ms/; s,[0-9.]+/[0-9.]+/N,N,'
see docker network create --label a=b "$n"
see docker network ls --filter "name=$n"
see docker network inspect "$n"
see docker run -d --name "$n-one" --network "$n" --network-alias one busybox sleep 300
see docker run -d --name "$n-two" busybox sleep 300
see docker network connect --alias two "$n" "$n-two"
see sorted docker network inspect --format '{{range .Containers}}{{println .Name}}{{end}}' "$n"
see docker exec "$n-one" ping -c 1 -W 5 -q "$n-two"
see sorted docker exec "$n-one" nslookup two
see docker network disconnect "$n" "$n-two"
exits 1 docker network rm "$n"
see docker kill "$n-one" "$n-two"
see docker rm "$n-one" "$n-two"
see docker network rm "$n"
exits 1 docker network inspect "$n"
exits 1 docker network rm "$n"
