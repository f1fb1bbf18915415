"""Gateways that tests may break: real processes, several on one Redis, killed and started at will."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
import requests
import yaml

from tests.conftest import find_redis_server, wait_for_redis
from tests.e2e.running import free_port

SITES = ("paris", "tokyo")
START_SECONDS = 90
ROOTS = ("compute", "placement", "network", "image", "volume")
_TOKEN = re.compile(rb"gAAAA[A-Za-z0-9_-]{40,}")
"""Every token of a Keystone looks so."""


class RedisServer:
    """A Redis on a unix socket that can be killed, and comes back empty on the same socket."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"unix://{folder}/socket"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, with nothing in it."""
        settings = {"port": "0", "unixsocket": "socket", "dir": str(self.folder), "save": ""}
        words = [word for key, value in settings.items() for word in (f"--{key}", value)]
        log = self.folder / "redis.log"
        with log.open("ab") as out:
            command = [find_redis_server(), *words]
            self._process = subprocess.Popen(command, stdout=out, stderr=out, cwd=self.folder)
        wait_for_redis(self.url, self._process, log)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)

    def flush(self) -> None:
        """FLUSHALL."""
        with redis.Redis.from_url(self.url) as client:
            client.flushall()


class GatewayProcess:
    """One ``federator serve``."""

    def __init__(self, lab: Path, folder: Path, redis_url: str, **settings: Any) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{self.address}"
        self.log = folder / f"gateway-{self.address.rpartition(':')[2]}.log"
        self.config = self.log.with_suffix(".yaml")
        # A site on a busy machine is no site that is away: where that is asked, settings say so.
        patience = {"read_timeout_seconds": 30}
        wanted = {"clouds": str(lab), "sites": list(SITES), "redis": redis_url, **patience}
        self.config.write_text(yaml.safe_dump({**wanted, "listen": self.address, **settings}))
        self._process: subprocess.Popen[bytes] | None = None
        self._read = 0

    def start(self, *, wait: bool = True) -> None:
        """Start it; with `wait`, until its map is complete and every service shows its versions."""
        with self.log.open("ab") as out:
            command = [sys.executable, "-m", "federator", "serve", "--config", str(self.config)]
            self._process = subprocess.Popen(command, stdout=out, stderr=out)
        if wait:
            self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Until its map is complete and every service shows its versions."""
        deadline, last = time.monotonic() + START_SECONDS, ""
        while time.monotonic() < deadline and self.alive:
            try:
                last = requests.get(f"{self.url}/healthcheck", timeout=30).text
                if "complete" in last:
                    answers = [requests.get(f"{self.url}/{each}/", timeout=30) for each in ROOTS]
                    last = str([answer.status_code for answer in answers])
                    if all(answer.status_code in (200, 300) for answer in answers):
                        return
            except requests.ConnectionError as error:
                last = str(error)
            time.sleep(0.2)
        raise AssertionError(f"the gateway is not ready ({last}); its log:\n{self.log_tail()}")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)

    def stop(self) -> None:
        """Ask it to end."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("the gateway does not stop when told to") from None

    def memory(self) -> int:
        """The bytes of memory that the process has now."""
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found
        return int(found[1]) * 1024

    def log_tail(self, lines: int = 40) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def complaints(self) -> list[str]:
        """What the log has said since the last time that it must never say: tokens, surprises."""
        with self.log.open("rb") as file:
            file.seek(self._read)
            new = file.read()
            self._read += len(new)
        found = [f"a token: {token[:12]!r}..." for token in _TOKEN.findall(new)]
        lines = new.decode(errors="replace").split("\n")
        for number, line in enumerate(lines):
            if "'unexpected'" in line or line.startswith("Traceback"):
                found.append("\n".join(lines[number : number + 60]))
        return found


@dataclass
class Fleet:
    """One Redis and the gateways on it."""

    lab: Path
    folder: Path
    redis: RedisServer
    gateways: list[GatewayProcess] = field(default_factory=list)

    def add(self, *, wait: bool = True, **settings: Any) -> GatewayProcess:
        """One more gateway."""
        gateway = GatewayProcess(self.lab, self.folder, self.redis.url, **settings)
        self.gateways.append(gateway)
        gateway.start(wait=wait)
        return gateway

    def check(self) -> None:
        """All gateways live, and none has logged what it must not."""
        for gateway in self.gateways:
            assert gateway.alive, gateway.log_tail()
            complaints = gateway.complaints()
            assert not complaints, "\n".join(complaints)


@contextmanager
def new_fleet(lab: Path, folder: Path) -> Iterator[Fleet]:
    """A Redis of its own and no gateway yet. Afterwards all of it is gone."""
    with ExitStack() as stack:
        server = RedisServer(folder)
        server.start()
        stack.callback(server.kill)
        fleet = Fleet(lab, folder, server)
        stack.callback(lambda: [gateway.kill() for gateway in fleet.gateways])
        yield fleet
        for gateway in fleet.gateways:
            gateway.stop()
