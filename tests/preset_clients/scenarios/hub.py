"""DockerSpawner starts, polls, stops and removes a user's container, with a stand-in for the hub around it."""

import asyncio
import sys
from unittest import mock

import docker
from dockerspawner import DockerSpawner
from jupyterhub import orm
from jupyterhub.objects import Hub


class User:
    name = escaped_name = "ada"
    id = 1
    url = "/user/ada/"
    settings = {}
    server = None

    def __getattr__(self, name):
        return mock.Mock()


def spawner(volumes=None, **more):
    database = orm.new_session_factory("sqlite:///:memory:")()
    one = DockerSpawner(
        user=User(), hub=Hub(), db=database, image="busybox:latest", cmd=["sleep", "300"],
        volumes=volumes or {"jupyterhub-user-{username}": "/home/jovyan/work"}, notebook_dir="/home/jovyan/work",
        extra_create_kwargs={"stop_signal": "SIGKILL"}, **more,
    )
    stored = mock.Mock(server=None, state={})
    stored.name = ""
    one.orm_spawner = stored
    one.get_env = lambda: {"A": "b"}
    one.get_args = lambda: []
    return one


async def main():
    ada = spawner()
    address, port = await ada.start()
    assert address == "127.0.0.1" and port, (address, port)
    assert await ada.poll() is None
    state = ada.client.inspect_container(ada.container_id)
    assert state["Name"] == "/jupyter-ada", state["Name"]
    host = state["HostConfig"]
    assert host["Binds"] == ["jupyterhub-user-ada:/home/jovyan/work:rw"], host["Binds"]
    # The spawner sets no limit; the policy does.
    assert host["Memory"] == 2 << 30, host["Memory"]
    await ada.stop()
    assert await ada.poll() is not None
    await ada.remove_object()
    for more in (
        {"extra_host_config": {"privileged": True}},
        {"network_name": "host", "use_internal_ip": True},
        {"volumes": {"/": "/host"}},
        {"mem_limit": "16G"},
    ):
        try:
            await spawner(**more).start()
        except docker.errors.APIError as error:
            assert error.status_code == 403 and "opgate" in error.explanation, error
        else:
            sys.exit(f"not refused: {more}")


asyncio.run(main())
