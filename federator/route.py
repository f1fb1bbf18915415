"""A path becomes a Call: which service, which resource, which object. Pure."""

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
    first, slash, others = rest[1:].partition("/")
    if first and (first == project_id or (service.project_in_path and is_uuid(first))):
        rest = slash + others
    parts = rest.split("/")[1:]
    found = match(service, rest)
    if found is None:
        ids = tuple((ANY, unquote(part)) for part in parts if is_uuid(part))
        return Call(method, service, None, rest, ids, query=query, headers=headers)
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
        query=query,
        headers=headers,
    )
