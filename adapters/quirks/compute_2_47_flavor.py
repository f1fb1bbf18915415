"""Servers show the flavor itself since 2.47; older sites name it, so it is looked up there.

A flavor cannot be changed but for its extra specs, and what those were when the server was made nobody tells.
So they are left out, as Nova leaves them out for who may not see them. A flavor that is not there any more,
or that the caller may not see, stays as the site shows it. An ID that was given to another flavor later is not
noticed.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from adapters.quirk import Asked, Found, Json, Quirk, Renewal, Steps, encoded

_FIELDS = {
    "vcpus": "vcpus",
    "ram": "ram",
    "disk": "disk",
    "ephemeral": "OS-FLV-EXT-DATA:ephemeral",
    "swap": "swap",
    "original_name": "name",
}


def _path(server: Json) -> str:
    flavor = server.get("flavor")
    id_ = flavor.get("id") if isinstance(flavor, dict) else None
    return f"/flavors/{encoded(id_)}" if isinstance(id_, str) else ""


def _look(servers: Sequence[Json]) -> Iterator[str]:
    return filter(None, map(_path, servers))


def _embedded(server: Json, found: Found) -> Json:
    said = found.get(_path(server))
    flavor: dict[str, Any] | None = said.wrapped("flavor") if said is not None else None
    if flavor is None or any(theirs not in flavor for theirs in _FIELDS.values()):
        return server
    # No swap was "" to older ones.
    shown = {ours: flavor[theirs] or 0 for ours, theirs in _FIELDS.items()}
    return {**server, "flavor": {**shown, "original_name": flavor["name"]}}


_SERVERS = Renewal(key="server", keys="servers", look=_look, renew=_embedded)


def _lift(asked: Asked) -> Steps:
    if asked.path.rstrip("/") == "/servers/detail":
        return (yield from _SERVERS.list(asked))
    return (yield from _SERVERS.one(asked))


QUIRK = Quirk(
    service="compute",
    since=(2, 47),
    what="Servers show their flavor itself; for an older site it is looked up, without extra specs.",
    calls=(
        "GET /servers/detail",
        "GET /servers/{server}",
        "PUT /servers/{server}",
        "POST /servers/{server}/action",
    ),
    lift=_lift,
)
