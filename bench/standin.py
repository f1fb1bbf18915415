"""Home and sites that answer at once, or after so many seconds: a process of its own, for the benchmarks.

    python -m bench.standin SITES SERVERS SECONDS [PEM]    prints where it serves, as JSON; until its input ends

What they say was recorded (`bench.record`); each server gets an ID, a name and a moment of its own. The sites
accept home's tokens (strategy `shared`) and have nothing but servers. One more site, `whole`, has as many
servers as all of them together, and does not wait: for a plain proxy before it. With a certificate and its key
all of them speak TLS.
"""

import asyncio
import json
import random
import re
import ssl
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import uvloop

from adapters.registry import all_services
from bench.record import NEWER, RECORDED

USER_TOKEN = "token-of-a-user"
_REASONS = {200: "OK", 201: "Created", 300: "Multiple Choices", 404: "Not Found"}
_MOST = 1000
"""Servers on one page, as Nova has it."""

Say = Callable[[str, str, dict[str, str]], bytes]
"""Method, target and headers (names in lower case) -> a whole answer."""


def answer(status: int, body: bytes, headers: str = "") -> bytes:
    """An answer as it goes over the wire."""
    return (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: application/json\r\n{headers}"
        f"X-OpenStack-Request-Id: req-00000000-0000-4000-8000-000000000000\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


class Template:
    """A server as it was recorded, with holes: ``<<id>>``, ``<<name>>``, ``<<created>>``."""

    def __init__(self, recorded: dict[str, Any], root: str, project: str) -> None:
        text = json.dumps(recorded).replace("<<root>>", root).replace(recorded["id"], "<<id>>")
        server = json.loads(text) | {"name": "<<name>>", "created": "<<created>>"}
        server["tenant_id"] = project
        self._parts = re.split("<<([a-z]+)>>", json.dumps(server))

    def fill(self, values: dict[str, str]) -> bytes:
        """One server, as JSON."""
        parts = self._parts
        odd = [values[part] if at % 2 else part for at, part in enumerate(parts)]
        return "".join(odd).encode()


class Site:
    """Has servers, and empty lists of everything else that the gateway's account reads."""

    def __init__(self, number: int, of: int, count: int, root: str, said: dict[str, Any]) -> None:
        dice, now = random.Random(number), datetime.now(UTC).replace(microsecond=0)
        ids = [str(UUID(int=dice.getrandbits(128), version=4)) for _ in range(count)]
        self._place = {each: at for at, each in enumerate(ids)}
        self._servers = [
            {
                "id": each,
                "name": f"server-{at}",
                # The sites take turns: each has its share in every page.
                "created": f"{now - timedelta(seconds=at * of + number):%Y-%m-%dT%H:%M:%SZ}",
            }
            for at, each in enumerate(ids)
        ]
        project = said["token"]["project"]["id"]
        self._templates = {
            name: Template(server, f"{root}/compute", project)
            for name, server in said["servers"].items()
        }
        self._fixed = {}
        for service in all_services().values():
            for path, shown in said["documents"].get(service.type, {}).items():
                body = shown["body"].replace("<<root>>", root + service.prefix).encode()
                self._fixed[service.prefix + path] = answer(shown["status"], body)
            below = service.prefix + service.version
            below += f"/{project}" if service.project_in_path else ""
            for resource in service.resources:
                if resource.index:
                    path = below + resource.index.partition("?")[0]
                    self._fixed[path] = answer(200, f'{{"{resource.keys}": []}}'.encode())
        self._root = root
        self._page = lru_cache(64)(self._make_page)

    def say(self, method: str, target: str, headers: dict[str, str]) -> bytes:
        """See `Say`."""
        parts = urlsplit(target)
        template = NEWER if NEWER in headers.get("openstack-api-version", "") else "2.1"
        if parts.path == "/compute/v2.1/servers/detail":
            query = dict(parse_qsl(parts.query))
            if "changes-since" in query:
                return answer(200, b'{"servers": []}')
            limit = min(int(query.get("limit", _MOST)), _MOST)
            return self._page(template, limit, query.get("marker", ""))
        at = self._place.get(parts.path.removeprefix("/compute/v2.1/servers/"))
        if at is not None:
            body = self._templates[template].fill(self._servers[at])
            return answer(200, b'{"server": ' + body + b"}")
        return self._fixed.get(parts.path) or answer(404, b'{"itemNotFound": {"code": 404}}')

    def _make_page(self, template: str, limit: int, marker: str) -> bytes:
        start = self._place[marker] + 1 if marker else 0
        servers = self._servers[start : start + limit]
        items = b", ".join(map(self._templates[template].fill, servers))
        links = b""
        if servers and len(servers) == limit:
            url = f"{self._root}/compute/v2.1/servers/detail?limit={limit}"
            onward = [{"rel": "next", "href": f"{url}&marker={servers[-1]['id']}"}]
            links = b', "servers_links": ' + json.dumps(onward).encode()
        return answer(200, b'{"servers": [' + items + b"]" + links + b"}")


class Home:
    """A Keystone with one user and the gateway's account."""

    def __init__(self, root: str, regions: dict[str, str], said: dict[str, Any]) -> None:
        end = datetime.now(UTC) + timedelta(days=1)
        token = said["token"] | {"expires_at": f"{end:%Y-%m-%dT%H:%M:%S.000000Z}"}
        member = [role for role in token["roles"] if role["name"] == "member"]
        self._user = json.dumps({"token": token | {"roles": member}}).encode()
        urls = {
            service.type: {
                name: site + service.prefix + service.version for name, site in regions.items()
            }
            for service in all_services().values()
        } | {"identity": dict.fromkeys(["home", *regions], f"{root}/v3")}
        catalog = [
            {
                "type": service,
                "name": service,
                "id": service,
                "endpoints": [
                    {"id": name, "interface": "public", "region_id": name, "region": name}
                    | {"url": url}
                    for name, url in where.items()
                ],
            }
            for service, where in urls.items()
        ]
        self._account = json.dumps({"token": token | {"catalog": catalog}}).encode()
        project, user = token["project"], token["user"]
        domain = {"domain_id": project["domain"]["id"]}
        self._lists = {
            "/v3/domains": {"domains": [project["domain"]]},
            "/v3/projects": {
                "projects": [{"id": project["id"], "name": project["name"], **domain}]
            },
            "/v3/users": {"users": [{"id": user["id"], "name": user["name"], **domain}]},
        }

    def say(self, method: str, target: str, headers: dict[str, str]) -> bytes:
        """See `Say`."""
        path = urlsplit(target).path
        if path != "/v3/auth/tokens":
            found = self._lists.get(path)
            return answer(200, json.dumps(found).encode()) if found else answer(404, b"{}")
        if method == "POST":
            return answer(201, self._account, "X-Subject-Token: token-of-the-account\r\n")
        token = headers.get("x-subject-token", "")
        return answer(200, self._user if token == USER_TOKEN else self._account)


@dataclass
class Service(asyncio.Protocol):
    """HTTP/1.1 with one request after the other, for clients who mean well."""

    say: Say
    seconds: float = 0.0
    got: bytes = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by name

    def data_received(self, data: bytes) -> None:
        self.got += data
        head, end, rest = self.got.partition(b"\r\n\r\n")
        if not end:
            return
        request, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return
        self.got = rest[length:]
        method, target, _ = request.split(" ")
        said = self.say(method, target, headers)
        if self.seconds:
            asyncio.get_running_loop().call_later(self.seconds, self._write, said)
        else:
            self._write(said)

    def _write(self, said: bytes) -> None:
        with suppress(RuntimeError):  # the client has hung up
            self.transport.write(said)


async def main(sites: int, servers: int, seconds: float, certificate: str = "") -> None:
    tls = None
    if certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
    said = json.loads(RECORDED.read_text())
    loop = asyncio.get_running_loop()

    async def serve(make: Callable[[str], Say], seconds: float = 0.0) -> str:
        # Where it serves has to be known before what it says can be made.
        kept: list[Say] = []
        server = await loop.create_server(
            lambda: Service(kept[0], seconds), "127.0.0.1", 0, ssl=tls
        )
        root = f"http{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        kept.append(make(root))
        return root

    def site(number: int, of: int, count: int) -> Callable[[str], Say]:
        return lambda root: Site(number, of, count, root, said).say

    whole = await serve(site(sites, 1, sites * servers))
    regions = {
        f"site{number}": await serve(site(number, sites, servers), seconds)
        for number in range(sites)
    }
    home = await serve(lambda root: Home(root, regions, said).say)
    print(json.dumps({"home": home, "whole": whole, "sites": regions}), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), *sys.argv[4:]))
