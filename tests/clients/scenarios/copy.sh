mkdir -p tree/deep && echo file >tree/file && echo deep >tree/deep/file && ln -s file tree/link && chmod 640 tree/file
head -c 20000000 /dev/zero >large
tar_names() { tar -tv --full-time | sed -E 's/[0-9]{4}-[0-9-]+ [0-9:.]+/TIME/' | sort -k 5; }
both() {
    set -o pipefail
    "$@" | tar_names
}
see docker create --name "$n" busybox sh -c 'find /tmp -type f | sort; cat /tmp/file; ls -l /tmp/tree; md5sum /tmp/large'
see docker cp tree/file "$n:/tmp/file"
see docker cp tree "$n:/tmp/"
see docker cp tree/. "$n:/tmp/contents/"
see docker cp large "$n:/tmp/large"
tar -c tree | see docker cp - "$n:/home"
BLUR='s/[A-Z][a-z]{2} +[0-9]+ [0-9]{2}:[0-9]{2}/TIME/' see docker start -a "$n"
see docker cp "$n:/tmp/file" out-file
see cat out-file
see docker cp "$n:/tmp/tree" out-tree
see find out-tree
see diff -r tree out-tree
see docker cp "$n:/tmp/large" out-large
see cmp large out-large
see docker cp -L "$n:/tmp/tree/link" followed
see cat followed
see both docker cp "$n:/home/tree" -
see both docker cp -a "$n:/tmp/tree/." -
exits 1 docker cp "$n:/none" .
exits 1 docker cp none "$n:/tmp"
BLUR='/level=error/d' exits 1 docker cp tree "$n:/tmp/file"
exits 1 docker cp "$n-none:/tmp" .
see docker rm "$n"
