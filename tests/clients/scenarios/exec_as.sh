see docker run -d --name "$n" --user 2:2 busybox sleep 300
see docker exec -u 1:1 "$n" id
see docker exec --privileged -u root "$n" grep CapEff /proc/self/status
