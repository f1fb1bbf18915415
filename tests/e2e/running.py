"""A real gateway: ``federator serve`` with a Redis of its own, and recorders on every side of it.

clients --tap--> gateway --taps--> each service of each site, each site's Keystone, home's Keystone
"""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
import yaml

from tests.conftest import running_redis
from tests.e2e.api import cloud
from tests.e2e.recording import Recorder

START_SECONDS = 90
CLIENT, HOME, SITE = "client", "home", "site"
"""Names of taps; those at sites go on with the site and the service."""
SERVICES = ("compute", "placement", "network", "image", "block-storage")
TYPES = {"volumev3": "block-storage"}


@dataclass(frozen=True)
class Running:
    """A gateway that runs."""

    sites: tuple[str, ...]
    url: str
    """As clients know it: the tap before it."""
    clouds_yaml: Path
    """The one the gateway was given."""
    config: Path
    log: Path
    process: subprocess.Popen[bytes]
    recorder: Recorder
    site_urls: Mapping[str, Sequence[str]]
    """Site -> every URL at which anything of it can be reached, real ones and taps."""

    def log_tail(self, lines: int = 80) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


@contextmanager
def running_gateway(
    lab: Path, folder: Path, sites: Sequence[str], recorder: Recorder, **settings: Any
) -> Iterator[Running]:
    """A gateway for these sites of the lab, in this order. It is ready, and afterwards it is gone."""
    listen = free_port()
    url = f"http://127.0.0.1:{recorder.tap(CLIENT, '127.0.0.1', listen)}"
    clouds, site_urls = tapped(lab, sites, recorder)
    clouds_yaml = folder / "clouds.yaml"
    clouds_yaml.write_text(yaml.safe_dump({"clouds": clouds}))
    with running_redis(folder) as redis_url:
        config, log = folder / "federator.yaml", folder / "gateway.log"
        wanted = {
            "sites": list(sites),
            "redis": redis_url,
            "listen": f"127.0.0.1:{listen}",
            "public_url": url,
            "read_timeout_seconds": 30,  # a busy machine is no site that is away
            **settings,
        }
        config.write_text(yaml.safe_dump(wanted))
        command = [sys.executable, "-m", "federator", "serve", "--config", str(config)]
        with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
            running = Running(
                tuple(sites), url, clouds_yaml, config, log, process, recorder, site_urls
            )
            try:
                wait_until_ready(running, f"http://127.0.0.1:{listen}")
                yield running
            finally:
                stop(process)


def wait_until_ready(running: Running, url: str) -> None:
    """The ID map is complete, and every service shows its versions."""
    deadline, last = time.monotonic() + START_SECONDS, ""
    while time.monotonic() < deadline and running.process.poll() is None:
        try:
            last = requests.get(f"{url}/healthcheck", timeout=10).text
            roots = ("compute", "placement", "network", "image", "volume")
            if "complete" in last:
                answers = [requests.get(f"{url}/{root}/", timeout=10) for root in roots]
                if all(answer.status_code in (200, 300) for answer in answers):
                    return
                last = str([answer.status_code for answer in answers])
        except requests.ConnectionError as error:
            last = str(error)
        time.sleep(0.2)
    raise AssertionError(f"the gateway is not ready ({last}); its log:\n{running.log_tail()}")


def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)


def tapped(
    lab: Path, sites: Sequence[str], recorder: Recorder
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The lab's clouds.yaml for a gateway, every URL in it a tap's; and all URLs of each site."""
    theirs = yaml.safe_load(lab.read_text())["clouds"]
    clouds = {"home": with_auth_url(theirs["home"], HOME, recorder)}
    urls: dict[str, list[str]] = {}
    for site in sites:
        entry = with_auth_url(theirs[site], f"{SITE}:{site}:identity", recorder)
        urls[site] = [theirs[site]["auth"]["auth_url"], entry["auth"]["auth_url"]]
        entry["identity_endpoint_override"] = entry["auth"]["auth_url"]
        account = cloud(lab, site)
        for spelt, real in account.catalog().items():
            kind = TYPES.get(spelt, spelt)
            urls[site].append(real)
            if kind in SERVICES:
                tap = through_tap(real, f"{SITE}:{site}:{kind}", recorder)
                urls[site].append(tap)
                entry[f"{kind.replace('-', '_')}_endpoint_override"] = tap
        account.close()
        entry["federation"] = {"admin": True, "projects": {"Default/admin": "Default/admin"}}
        clouds[site] = entry
    return clouds, urls


def with_auth_url(entry: Mapping[str, Any], tap: str, recorder: Recorder) -> dict[str, Any]:
    """A clouds.yaml entry whose Keystone is asked through a tap."""
    auth = entry["auth"]
    return {**entry, "auth": {**auth, "auth_url": through_tap(auth["auth_url"], tap, recorder)}}


def through_tap(url: str, name: str, recorder: Recorder) -> str:
    parts = urlsplit(url)
    port = recorder.tap(name, str(parts.hostname), parts.port or 80)
    return urlunsplit(parts._replace(netloc=f"127.0.0.1:{port}"))


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
