"""A path becomes a Call: which service, which resource, which object. Pure."""

import re
from collections.abc import Iterable
from urllib.parse import unquote

from multidict import CIMultiDictProxy

from adapters.paths import match
from adapters.spec import ANY, Service
from federator.call import NO_HEADERS, Call
from idmap.ids import is_uuid


def service_of(services: Iterable[Service], raw_path: str) -> tuple[Service, str] | None:
    """The service a raw path belongs to and the path below the service's prefix; None if there is none."""
    for service in services:
        if raw_path == service.prefix or raw_path.startswith(service.prefix + "/"):
            return service, raw_path[len(service.prefix) :]
    return None


def plain_path(raw_path: str) -> str | None:
    """A raw path in the one spelling that everybody on its way reads alike; None if there is none.

    Characters that need no encoding are decoded (RFC 3986, section 6.2.2.2), so that ``%66lavors`` is what
    the site takes it for. Dot segments and encoded slashes mean one thing to us and another to the site.
    """
    if not _SPECIAL.search(raw_path):
        return raw_path
    path = _ENCODED.sub(_decoded, raw_path)
    once = unquote(path, errors="replace")
    if _TRICKS.search(path) or {".", ".."} & {*path.split("/"), *unquote(once).split("/")}:
        return None
    return path


def _decoded(found: re.Match[str]) -> str:
    character = chr(int(found[0][1:], 16))
    return character if _UNRESERVED.fullmatch(character) else found[0].upper()


_ENCODED = re.compile(r"%[0-9a-fA-F]{2}")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")
_SPECIAL = re.compile(r"[%\\]|/\.")
"""Without any of these a path has but one spelling."""
_TRICKS = re.compile(r"%2F|%5C|%00|\\")


def route(
    service: Service,
    method: str,
    rest: str,
    *,
    query: str = "",
    headers: CIMultiDictProxy[str] = NO_HEADERS,
    project_id: str | None = None,
) -> Call | None:
    """The Call for a raw path below the service's prefix; None if it is outside the API version we serve.

    `project_id` is the caller's: a first part that repeats it (``/v3/<project>/volumes``) is taken off, and
    so is any UUID there where the service's URLs carry one.
    """
    if service.version:
        if rest != service.version and not rest.startswith(service.version + "/"):
            return None
        rest = rest.removeprefix(service.version)
    if service.type == "network":
        # Neutron takes the name of the format behind any path, and there is but one.
        rest = rest.removesuffix(".json")
    first, slash, others = rest[1:].partition("/")
    project = ""
    if first and (first == project_id or (service.project_in_path and is_uuid(first))):
        project, rest = "/" + first, slash + others
    parts = rest.split("/")[1:]
    found = match(service, rest)
    if found is None:
        ids = tuple((ANY, unquote(part)) for part in parts if is_uuid(part))
        return Call(
            method, service, None, rest, path_ids=ids, project=project, query=query, headers=headers
        )
    resource = found.resource
    return Call(
        method=method,
        service=service,
        resource=resource,
        path=rest,
        path_ids=tuple((kind, unquote(parts[index])) for index, kind in found.ids),
        object_id=found.object_id,
        tail=found.tail,
        is_list=(
            resource is not None
            and bool(resource.keys)
            and found.object_id is None
            and found.tail in ("", *resource.details)
        ),
        project=project,
        query=query,
        headers=headers,
    )
