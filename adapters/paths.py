"""URL paths: which resource one belongs to, and the IDs in it. Pure.

The paths of all resources of a service form one tree of literal parts and IDs; where both would do,
the literal part wins.
"""

from dataclasses import dataclass, field
from functools import cache, lru_cache
from urllib.parse import quote, unquote

from adapters.shape import Change
from adapters.spec import ANY, Resource, Service
from idmap.ids import is_uuid


@dataclass(frozen=True, slots=True)
class Match:
    """What a path says."""

    resource: Resource
    ids: tuple[tuple[int, str], ...]
    """(index of the part, kind) of every ID, the parts being counted from 0."""
    object_id: str | None
    """The ID of the object itself, decoded; None for a collection or document."""
    tail: str
    """What follows what is declared, or the further path (`Resource.details`) that it ends with:
    "", "detail", "action", "os-something/else"."""


@dataclass(slots=True, eq=False)
class _Part:
    literals: dict[str, "_Part"] = field(default_factory=dict)
    kind: str = ""
    below_id: "_Part | None" = None
    resource: Resource | None = None
    is_item: bool = False
    detail: str = ""


@lru_cache(4096)
def match(service: Service, path: str) -> Match | None:
    """What a raw path below prefix and version says; None if it belongs to no declared resource.

    Remembered for a while: each request asks several times, and clients that wait ask for one thing again and
    again.
    """
    parts = path.split("/")[1:]
    if parts and not parts[-1]:
        parts.pop()
    found: tuple[_Part, int] | None = None
    ids: list[tuple[int, str]] = []
    node: _Part | None = _tree(service)
    for index, part in enumerate(parts):
        if node is None:
            break
        below = node.literals.get(part)
        if below is None and node.below_id is not None:
            below = node.below_id
            ids.append((index, node.kind))
        node = below
        if node is not None and node.resource is not None:
            found = node, index
    if found is None:
        return None
    last, index = found
    resource = last.resource
    assert resource is not None
    ids = [each for each in ids if each[0] <= index]
    ids += [(at, ANY) for at in range(index + 1, len(parts)) if is_uuid(parts[at])]
    return Match(
        resource=resource,
        ids=tuple(ids),
        object_id=unquote(parts[index]) if last.is_item else None,
        tail=last.detail or "/".join(parts[index + 1 :]),
    )


def rewrite_path(service: Service, path: str, change: Change) -> str:
    """The raw path with its IDs changed. Where nothing is declared, what is shaped like a UUID is one."""
    parts = path.split("/")
    found = match(service, path)
    ids = found.ids if found else [(at - 1, ANY) for at, part in enumerate(parts) if is_uuid(part)]
    changed = False
    for index, kind in ids:
        old = unquote(parts[index + 1])
        new = change(kind, old) if old else old
        if new != old:
            parts[index + 1] = quote(str(new), safe="")
            changed = True
    return "/".join(parts) if changed else path


@cache
def _tree(service: Service) -> _Part:
    root = _Part()
    for resource in service.resources:
        node = root
        for part in resource.path.split("/")[1:]:
            if part.startswith("{"):
                node = _below_id(node, part[1:-1], resource.path)
            else:
                node = node.literals.setdefault(part, _Part())
        if node.resource is not None:
            raise ValueError(f"{service.type}: two resources at {resource.path}")
        node.resource = resource
        for detail in resource.details:
            further = node.literals.setdefault(detail, _Part())
            further.resource, further.detail = resource, detail
        if not resource.document:
            item = _below_id(node, resource.id_kind, resource.path)
            item.resource, item.is_item = resource, True
    return root


def _below_id(node: _Part, kind: str, path: str) -> _Part:
    if node.below_id is None:
        node.below_id, node.kind = _Part(), kind
    elif node.kind != kind:
        raise ValueError(f"{path}: IDs of {node.kind!r} and of {kind!r} at the same place")
    return node.below_id
