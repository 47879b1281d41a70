"""Containers of Testcontainers, and a reaper: what Ryuk asks for is mounted, and it can do what Ryuk does."""

import os
import sys
import warnings

os.environ["TESTCONTAINERS_RYUK_DISABLED"] = "true"  # its image cannot be had here
warnings.simplefilter("ignore")

import docker
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

name, gates = os.environ["n"], os.environ["GATES"]


def refused(call):
    try:
        call()
    except docker.errors.APIError as error:
        assert error.status_code == 403 and "opgate" in error.explanation, error
    else:
        sys.exit("not refused")


with Network() as network:
    database = DockerContainer("busybox:latest").with_command(["sh", "-c", "echo ready; exec sleep 300"])
    database.with_exposed_ports(8080).with_network(network).with_network_aliases("db")
    database.waiting_for(LogMessageWaitStrategy("ready"))
    with database:
        assert database.exec(["echo", "hi"]).output == b"hi\n"
        assert database.get_exposed_port(8080)
        assert b"ready" in database.get_logs()[0]
    refused(lambda: DockerContainer("busybox:latest").with_kwargs(privileged=True).start())
    refused(lambda: DockerContainer("busybox:latest").with_volume_mapping("/", "/host").start())

engine = docker.DockerClient(base_url=os.environ["ENGINE"])
engine.images.get("busybox").tag("testcontainers/ryuk:0.8.1")
ryuk = DockerContainer("testcontainers/ryuk:0.8.1").with_command(["sleep", "300"]).with_exposed_ports(8080)
ryuk.with_volume_mapping("/var/run/docker.sock", "/var/run/docker.sock", "rw").with_name(f"{name}-ryuk")
with ryuk:
    [mount] = engine.containers.get(f"{name}-ryuk").attrs["Mounts"]
    assert mount["Source"] == f"{gates}/testcontainers-reaper.sock", mount
    assert ryuk.exec(["test", "-S", "/var/run/docker.sock"]).exit_code == 0
engine.images.remove("testcontainers/ryuk:0.8.1")

# Ryuk's own requests, on the socket that it gets.
reaper = docker.APIClient(base_url=f"unix://{gates}/testcontainers-reaper.sock", version="1.51")
session = {"label": [f"org.testcontainers.session-id={name}"]}
left = docker.from_env().containers.run("busybox", ["sleep", "300"], labels={"org.testcontainers.session-id": name}, detach=True)
[found] = reaper.containers(all=True, filters=session)
assert found["Id"] == left.id
reaper.remove_container(found["Id"], v=True, force=True)
assert reaper.containers(all=True, filters=session) == []
assert reaper.networks(filters=session) == [] and reaper.images(filters=session) == []
assert not reaper.volumes(filters=session)["Volumes"]
refused(lambda: reaper.containers(all=True))
refused(lambda: reaper.create_container("busybox"))
