see docker run -d --name "$n" --network none busybox sleep 300
BLUR='s/[0-9.]+ ?([kKMG]i?)?B/SIZE/g; s/[0-9.]+%/N%/g; s/ +/ /g' see docker stats --no-stream "$n"
see docker stats --no-stream --no-trunc --format '{{.Name}} {{.ID}} {{.PIDs}} {{.NetIO}}' "$n"
# The client of a stream ends when nobody reads what it writes.
first_lines() { docker stats --format '{{.Name}} {{.PIDs}}' "$1" | head -n 2; }
see first_lines "$n"
exits 1 docker stats --no-stream "$n-none"
