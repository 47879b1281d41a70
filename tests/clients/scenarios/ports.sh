export BLUR='s/:[0-9]{5}/:PORT/; s/(172|192)\.[0-9]+\.[0-9]+\.[0-9]+/IP/g'
see docker run -d --name "$n" -p 127.0.0.1::80 --expose 81 -P busybox sleep 300
see docker port "$n"
see docker port "$n" 80
exits 1 docker port "$n" 99
see docker inspect --format '{{json .HostConfig.PortBindings}} {{json .Config.ExposedPorts}}' "$n"
