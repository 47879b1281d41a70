see docker run --name "$n" --label a=b busybox true
see docker rm "$n"
BLUR='s/execDuration=[0-9]+/execDuration=N/' see docker events --since 5m --until -1s --filter "container=$n"
see docker events --since 5m --until -1s --filter label=a=b --filter event=die --filter "container=$n" \
    --format '{{.Type}} {{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.exitCode}}'
see docker events --since 5m --until -1s --filter "container=$n-none"

# The first is of before; the others are told when they happen.
start docker events --since 5m --filter "container=$n" --format '{{.Action}} {{.Actor.Attributes.name}}'
await "destroy $n"
see docker create --name "$n" busybox
await "create $n"
see docker rm "$n"
await "destroy $n"
leave 143
