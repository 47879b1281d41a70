"""What docker-py gets of an Engine, or of a gate in front of one; see prelude.sh for how it is compared."""

import io
import os
import socket
import sys
import tarfile

import docker

name = sys.argv[1]
client = docker.from_env(timeout=60)


def show(what, *values):
    print(f"{what}:", *(repr(value) for value in values), flush=True)


def archive(path, content):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        member = tarfile.TarInfo(path)
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def received(stream, wanted):
    """Reads from an attached socket until it has what is wanted, or nothing comes any more."""
    seen = b""
    while wanted is None or wanted not in seen:
        piece = stream.recv(4096)
        if not piece:
            break
        seen += piece
    return seen


def plain(stream):
    """The socket itself: docker-py wraps a unix socket, and a socket with TLS it does not."""
    return getattr(stream, "_sock", stream)


def fails(what, call):
    try:
        call()
    except docker.errors.APIError as error:
        show(what, type(error).__name__, error.status_code, error.explanation)
    else:
        sys.exit(f"{what} was expected to fail")


show("ping", client.ping())
version = client.version()
show("version", version["Version"], version["ApiVersion"])
show("info", client.info()["ServerVersion"])

show("run", client.containers.run("busybox", ["echo", "hello"], remove=True))
both = ["sh", "-c", "echo out; echo err >&2"]
show("run errors", client.containers.run("busybox", both, stdout=False, stderr=True, remove=True))
try:
    client.containers.run("busybox", ["sh", "-c", "echo err >&2; exit 7"], remove=True)
except docker.errors.ContainerError as error:
    show("exit", error.exit_status, error.stderr)
fails("no image", lambda: client.images.get(f"{name}:none"))
fails("no container", lambda: client.containers.get(f"{name}-none"))
fails("no command", lambda: client.containers.run("busybox", "nothing-like-that", remove=True))

container = client.containers.run(
    "busybox", ["sh", "-c", "seq 1 3; exec sleep 300"], name=name, detach=True, labels={name: "x"}, mem_limit="64m"
)
lines = container.logs(stream=True, follow=True)
show("logs -f", b"".join(next(lines) for _ in range(1)))
lines.close()
show("logs", container.logs(tail=2))
show("list", [each.name for each in client.containers.list(filters={"label": name})])
show("exec", container.exec_run(["sh", "-c", "echo out; exit 5"]))
show("exec demux", container.exec_run(both, demux=True))
show("exec stream", b"".join(container.exec_run(["sh", "-c", "seq 1 1000"], stream=True).output))
show("exec tty", container.exec_run(["echo", "terminal"], tty=True))
_, stream = container.exec_run(["sh", "-c", "read line; echo got $line"], stdin=True, socket=True)
plain(stream).sendall(b"typed\n")
show("exec socket", received(plain(stream), None))
stream.close()

show("put_archive", container.put_archive("/tmp", archive("file", b"content")))
show("cat", container.exec_run(["cat", "/tmp/file"]).output)
pieces, stat = container.get_archive("/tmp/file")
with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as tar:
    show("get_archive", stat["name"], stat["size"], tar.getnames(), tar.extractfile("file").read())
show("diff", container.diff())
show("top", container.top()["Titles"])
statistics = container.stats(stream=False)
show("stats", statistics["name"], statistics["pids_stats"]["current"])
show("stats stream", next(container.stats(stream=True, decode=True))["name"])
container.pause()
container.unpause()
container.rename(f"{name}-renamed")
container.reload()
show("attrs", container.name, container.status, container.attrs["HostConfig"]["Memory"])
container.kill()
show("wait", container.wait())

events = client.events(since=0, decode=True, filters={"container": container.id})
seen = set()
for event in events:
    action = event["Action"].split(":")[0]
    # The Engine tells of a pause itself and again when containerd tells it late.
    if action in ("pause", "unpause") and action in seen:
        continue
    seen.add(action)
    show("event", event["Type"], action)
    if action == "die":
        break
events.close()
container.remove()

interactive = client.containers.create("busybox", ["sh", "-c", "read line; echo got $line; exit 4"], stdin_open=True)
stream = interactive.attach_socket(params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
interactive.start()
plain(stream).sendall(b"typed\n")
show("attach socket", received(plain(stream), b"got typed\n"))
plain(stream).shutdown(socket.SHUT_WR)
show("attach wait", interactive.wait())
stream.close()
interactive.remove()

dockerfile = b"FROM busybox\nARG WORD\nRUN echo word is $WORD\n"
image, log = client.images.build(fileobj=io.BytesIO(dockerfile), tag=f"{name}:one", buildargs={"WORD": "given"}, rm=True)
show("build", image.tags, [line["stream"] for line in log if line.get("stream", "").startswith("word")])
try:
    client.images.build(fileobj=io.BytesIO(b"FROM busybox\nRUN exit 3\n"), forcerm=True)
except docker.errors.BuildError as error:
    show("build fails", error.msg)
saved = b"".join(image.save(named=True))
show("tag", image.tag(f"{name}:two"), sorted(client.images.get(f"{name}:one").tags))
client.images.remove(f"{name}:one")
client.images.remove(f"{name}:two")
show("load", [loaded.tags for loaded in client.images.load(saved)])
show("history", [layer["Tags"] for layer in client.images.get(f"{name}:one").history()][:1])
client.images.remove(f"{name}:one")

volume = client.volumes.create(name, labels={name: "x"})
show("volume", volume.name, client.volumes.get(name).attrs["Labels"])
volume.remove()
network = client.networks.create(name, labels={name: "x"})
show("network", network.name, [each.name for each in client.networks.list(names=[name])])
network.remove()
