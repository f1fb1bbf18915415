"""An object as it is remembered, in few bytes. Pure.

Only the declared fields (`adapters.spec.Resource.kept`), in their order and without their names; then
deflated, with a typical record at hand, so that only what is particular about an object takes space.
"""

import zlib
from collections.abc import Mapping
from functools import cache
from typing import Any

import orjson

from adapters.spec import Resource

_TYPICAL = orjson.dumps(
    [
        "os_hash_value", "sha512", "qcow2", "bare", "private", "public", "queued", "raw", "shared",
        {"router_id": None, "host_routes": [], "start": "10.0.0.2", "end": "10.0.0.254"},
        "network:router_interface", "network:dhcp", "compute:nova", "in-use", "available", "DOWN",
        {"device": "/dev/vdb", "server_id": "", "attachment_id": "", "host_name": None},
        "web", "SHUTOFF", "ERROR", "BUILD", "2026-01-01T00:00:00.000000", "2026-01-01T00:00:00Z",
        {"id": ""}, {"id": ""},
        {"net": [
            {"version": 4, "addr": "192.168.0.10", "OS-EXT-IPS:type": "floating",
             "OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:00:00:00"},
            {"version": 4, "addr": "10.0.0.10", "OS-EXT-IPS:type": "fixed",
             "OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:00:00:00"},
        ]},
        "\0", None, [{"name": "default"}], "nova", [], 1500, True, False, None, "", "ACTIVE",
        [{"subnet_id": "", "ip_address": "10.0.0.10"}],
    ]
)  # fmt: skip
"""Part of the format: records written with another text cannot be read."""


_ABSENT = "\0"
"""In place of a field that the site did not show."""


def owner_of(resource: Resource, item: Mapping[str, Any]) -> str | None:
    """The local ID of the project whose object this is; empty if it is everybody's. None: not told."""
    if any(item.get(name) == value for name, value in resource.everybodys_if.items()):
        return ""
    if not resource.owner:
        # Somebody's, by rights that we do not keep.
        return "-" if all(name in item for name in resource.everybodys_if) else None
    owner = item.get(resource.owner)
    return str(owner) if owner else None


def shown_in_full(resource: Resource, item: Mapping[str, Any]) -> bool:
    """Whether an item shows more than the name and ID that short lists show."""
    return sum(name in item for name in resource.kept) > len(resource.kept) // 2


def pack(resource: Resource, item: Mapping[str, Any]) -> bytes:
    """The kept fields of an item. Links are left out: they follow from the ID."""
    values = [_without_links(item.get(name, _ABSENT)) for name in resource.kept]
    squeezer = zlib.compressobj(9, zlib.DEFLATED, -15, zdict=_TYPICAL)
    return _format(resource) + squeezer.compress(orjson.dumps(values)) + squeezer.flush()


def unpack(resource: Resource, content: bytes) -> dict[str, Any] | None:
    """The fields that `pack` was given; None if it was another release of ours that wrote them."""
    if content[:1] != _format(resource):
        return None
    values = orjson.loads(zlib.decompressobj(-15, zdict=_TYPICAL).decompress(content[1:]))
    pairs = zip(resource.kept, values, strict=True)
    return {name: value for name, value in pairs if value != _ABSENT}


@cache
def _format(resource: Resource) -> bytes:
    told = _TYPICAL + ",".join(resource.kept).encode()
    return (zlib.crc32(told) & 0xFF).to_bytes(1, "big")


def _without_links(value: Any) -> Any:
    if isinstance(value, dict) and "links" in value:
        return {name: each for name, each in value.items() if name != "links"}
    return value
