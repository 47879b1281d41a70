printf 'one\ntwo' | see docker run --rm -i busybox cat
printf '3 2 1' | exits 3 docker run --rm -i busybox sh -c 'read number rest; echo "$rest" >&2; exit $number'
head -c 20000000 /dev/zero | see docker run --rm -i busybox md5sum
# The input's end travels by itself: the output comes after it.
printf x | see docker run --rm -i busybox sh -c 'cat >/dev/null; echo after'
printf x | see docker run --rm -i busybox true

start docker run --rm -i --name "$n" busybox sh -c 'while read line; do echo "got $line"; done; echo end; exit 4'
say 'a\n'
await 'got a'
say 'b\n'
await 'got b'
finish 4

# It waits for the size of the terminal first: what it prints must not depend on when that comes.
typed='trap "exit 5" INT; until [ "$(stty size 2>&1)" = "40 100" ]; do :; done
    test -t 0 && echo sized; read line; echo "got $line"; sleep 300'
terminal "docker run --rm -it --name $n busybox sh -c '$typed'"
await sized
say 'word\n'
await 'got word'
say '\x03'
finish 5

# It says something all the time, so that one sees when the client is attached.
see docker run -dit --name "$n" busybox sh -c 'stty -echo; while :; do
    while sleep 0.1; do echo waiting; done & read line; kill $!; wait; echo "got $line"; done'
export BLUR='/waiting/d'
terminal "docker attach $n"
await waiting
say 'one\n'
await 'got one'
say '\x10\x11'
finish 1
terminal "docker attach --detach-keys ctrl-x,y $n"
await waiting
say 'two\n'
await 'got two'
say '\x18y'
finish 1
BLUR=
see docker inspect --format '{{.State.Status}}' "$n"
see docker kill "$n"
see docker rm "$n"

see docker create -i --name "$n" busybox sh -c 'cat; exit 6'
printf 'through start' | exits 6 docker start -ai "$n"
see docker rm "$n"
