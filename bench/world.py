"""Everything that takes part in a benchmark, each a process of its own: stand-ins, Redis, a gateway, nginx."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import redis
import requests
import trustme
import yaml

from bench.standin import USER_TOKEN
from tests.adversarial.gateways import GatewayProcess, new_fleet
from tests.e2e.running import free_port

LIST = "/compute/v2.1/servers/detail"
_NEVER = 86_400
_AT_REST = 0.02
"""Share of a core that a gateway with nothing to do may use."""

_NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 256; }}
http {{
  access_log off; keepalive_requests 100000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream site {{ server {site}; keepalive 64; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass {scheme}://site; {tls} proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffers 64 64k; proxy_buffer_size 64k; proxy_busy_buffers_size 128k;
    }}
  }}
}}
"""


@dataclass(frozen=True)
class World:
    """A gateway before stand-ins, at rest, with its map and its records complete."""

    gateway: GatewayProcess
    redis_url: str
    sites: dict[str, str]
    """Name -> URL of the root."""
    whole: str
    """The URL of the root of a site that has the servers of all."""
    folder: Path
    authority: Path | None = None
    """The CA of home and the sites, where they speak TLS."""

    def metric(self, name: str) -> float:
        """One number of the gateway's metrics, by its full name with labels."""
        for line in requests.get(f"{self.gateway.url}/metrics", timeout=30).text.splitlines():
            if line.startswith(f"{name} "):
                return float(line.split()[-1])
        return 0.0


@contextmanager
def new_world(
    sites: int, servers: int, seconds: float = 0.0, *, tls: bool = False
) -> Iterator[World]:
    """So many sites with so many servers each, whose answers take so long. Afterwards all of it is gone."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        command = [sys.executable, "-m", "bench.standin", str(sites), str(servers), str(seconds)]
        authority = None
        if tls:
            authority, certificate = _certificate(folder)
            command.append(str(certificate))
        standin = stack.enter_context(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        )
        assert standin.stdout
        where = json.loads(standin.stdout.readline())
        clouds = folder / "clouds.yaml"
        clouds.write_text(
            yaml.safe_dump({"clouds": _clouds(where["home"], where["sites"], authority)})
        )
        fleet = stack.enter_context(new_fleet(clouds, folder))
        gateway = fleet.add(
            sites=list(where["sites"]), namesakes_seconds=_NEVER, readings_seconds=_NEVER
        )
        world = World(gateway, fleet.redis.url, where["sites"], where["whole"], folder, authority)
        _wait_for_rest(world, sites)
        yield world


@contextmanager
def nginx(world: World, site: str) -> Iterator[tuple[str, int]]:
    """nginx as a plain proxy of a stand-in: its URL and process."""
    port, config = free_port(), world.folder / "nginx.conf"
    scheme, _, upstream = site.partition("://")
    tls = ""
    if world.authority is not None:
        tls = f"proxy_ssl_verify on; proxy_ssl_trusted_certificate {world.authority}; "
        tls += "proxy_ssl_name localhost;"
    config.write_text(
        _NGINX.format(folder=world.folder, port=port, site=upstream, scheme=scheme, tls=tls)
    )
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        raise SystemExit("no nginx here; install it with deploy/install-packages.sh nginx-light")
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen([program, "-c", str(config), "-p", str(world.folder)]) as process:
        try:
            _wait_until_there(url)
            yield url, process.pid
        finally:
            process.terminate()


def cpu_seconds(pid: int) -> float:
    """What a process and its children that live have used so far."""
    pids, total = [pid], 0
    for each in pids:
        for task in Path(f"/proc/{each}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
            pids += map(int, (task / "children").read_text().split())
    return total / 1e9


def _clouds(home: str, sites: dict[str, str], authority: Path | None) -> dict[str, object]:
    account = {
        "auth_url": f"{home}/v3",
        "username": "federator",
        "password": "not-checked",
        "user_domain_id": "default",
        "project_name": "service",
        "project_domain_id": "default",
    }
    common: dict[str, object] = {"auth_type": "v3password", "auth": account}
    if authority is not None:
        common["cacert"] = str(authority)
    shared = {"federation": {"strategy": "shared"}}
    of_sites = {name: {**common, "region_name": name, **shared} for name in sites}
    return {"home": {**common, "region_name": "home"}, **of_sites}


def _certificate(folder: Path) -> tuple[Path, Path]:
    """Of a CA, and one of its with the key for whatever serves here."""
    authority, own = trustme.CA(), folder / "own.pem"
    authority.cert_pem.write_to_path(folder / "authority.pem")
    authority.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(own)
    return folder / "authority.pem", own


def _wait_for_rest(world: World, sites: int) -> None:
    """Until every site's servers are remembered, and nothing else is done."""
    deadline = time.monotonic() + 300
    with redis.Redis.from_url(world.redis_url) as client:
        while time.monotonic() < deadline:
            read = [
                key
                for key in client.keys("federator:rec:*")
                if key.count(b":") == 2 and client.hexists(key, "server")
            ]
            before, began = cpu_seconds(world.gateway.pid), time.monotonic()
            time.sleep(0.7)
            used = cpu_seconds(world.gateway.pid) - before
            if len(read) == sites and used < _AT_REST * (time.monotonic() - began):
                return
    raise SystemExit(f"the gateway does not come to rest; its log:\n{world.gateway.log_tail()}")


def _wait_until_there(url: str) -> None:
    for _ in range(200):
        try:
            requests.get(url, headers={"X-Auth-Token": USER_TOKEN}, timeout=10)
            return
        except requests.ConnectionError:
            time.sleep(0.05)
    raise SystemExit(f"nothing answers at {url}")
