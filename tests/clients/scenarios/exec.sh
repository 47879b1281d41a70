see docker run -d --name "$n" busybox sleep 300
see docker exec "$n" echo hello
exits 5 docker exec "$n" sh -c 'echo out; echo err >&2; exit 5'
exits 126 docker exec "$n" /etc
# Engines before 23 say 126 here, too.
exits 12[67] docker exec "$n" nothing-like-that
exits 1 docker exec "$n-none" true
see docker exec -e A=b -w /tmp "$n" sh -c 'echo $A; pwd'
see docker exec -d "$n" sh -c 'echo detached >/tmp/it'
see docker exec "$n" sh -c 'until [ -s /tmp/it ]; do :; done; cat /tmp/it'
see docker exec "$n" sh -c 'seq 1 5000'

printf 'one\ntwo' | see docker exec -i "$n" cat
head -c 20000000 /dev/zero | see docker exec -i "$n" md5sum
start docker exec -i "$n" sh -c 'while read line; do echo "got $line"; done; exit 4'
say 'a\n'
await 'got a'
finish 4

see docker exec -t "$n" echo terminal
# It waits for the size of the terminal first: what it prints must not depend on when that comes.
typed='trap "exit 5" INT; until [ "$(stty size 2>&1)" = "40 100" ]; do :; done
    test -t 0 && echo sized; read line; echo "got $line"; sleep 300'
terminal "docker exec -it $n sh -c '$typed'"
await sized
say 'word\n'
await 'got word'
say '\x03'
finish 5
terminal "docker exec -it $n sh -c '$typed'"
await sized
say '\x10\x11'
finish 1
