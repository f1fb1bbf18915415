"""IDs in bodies: found where a service file declares them, changed by whoever knows how. Pure.

The same functions serve both directions; what differs is the `Change` they are given (`adapters.names`)
and whether the body is a request, in which more can be an ID: names-or-IDs, and whole URLs in place of
IDs, which old clients send as ``flavorRef``.

Bodies are never changed in place, and one that needs no change comes back as the same object, so that
the caller can pass the original bytes on.
"""

from functools import cache
from typing import Any

from adapters.shape import Change, Shape
from adapters.spec import LINK, Resource, Service

__all__ = [
    "Change",
    "Shape",
    "ids_in",
    "ids_in_action",
    "ids_in_body",
    "rewrite",
    "rewrite_action",
    "rewrite_action_reply",
    "rewrite_body",
    "shape",
]

Id = tuple[str, str | int]
"""(kind, ID)."""


@cache
def shape(service: Service, resource: Resource) -> Shape:
    """The compiled forms of a resource of this service."""
    return Shape(service, resource)


def rewrite(shape: Shape, item: Any, change: Change, *, request: bool = False) -> Any:
    """One item, without its wrapper, with every ID in it changed."""
    if request:
        return shape.request_item(item, _through_urls(change))
    return shape.reply_item(item, change)


def rewrite_body(shape: Shape, body: Any, change: Change, *, request: bool = False) -> Any:
    """A whole body: an item, a list, several to create, a document, a JSON patch."""
    if not request:
        return shape.reply_body(body, change)
    if isinstance(body, list):
        return _rewrite_patch(shape, body, _through_urls(change))
    return shape.request_body(body, _through_urls(change))


def rewrite_action(shape: Shape, body: Any, change: Change) -> Any:
    """The request body of ``POST .../action``: an object with the action's name as its one key."""
    if not isinstance(body, dict):
        return body
    change = _through_urls(change)
    changed = {
        name: shape.actions[name](argument, change) if name in shape.actions else argument
        for name, argument in body.items()
    }
    return body if all(changed[name] is body[name] for name in body) else changed


def rewrite_action_reply(shape: Shape, name: str, body: Any, change: Change) -> Any:
    """The reply to an action: an object of the resource, or what the action itself declares."""
    body = shape.reply_body(body, change)
    walk = shape.actions.get(name)
    if walk is None or not isinstance(body, dict):
        return body
    if name in body:
        inner = walk(body[name], change)
        return body if inner is body[name] else {**body, name: inner}
    return walk(body, change)


def ids_in(shape: Shape, item: Any, *, request: bool = False) -> list[Id]:
    """Every ID in one item, in no particular order. Links are left out."""
    found, collect = _collector()
    rewrite(shape, item, collect, request=request)
    return found


def ids_in_body(shape: Shape, body: Any, *, request: bool = False) -> list[Id]:
    """Every ID in a whole body."""
    found, collect = _collector()
    rewrite_body(shape, body, collect, request=request)
    return found


def ids_in_action(shape: Shape, body: Any) -> list[Id]:
    """Every ID in the request body of an action."""
    found, collect = _collector()
    rewrite_action(shape, body, collect)
    return found


def _collector() -> tuple[list[Id], Change]:
    found: list[Id] = []

    def collect(kind: str, value: Any) -> Any:
        if kind != LINK:
            found.append((kind, value))
        return value

    return found, collect


def _through_urls(change: Change) -> Change:
    """The same change, but for the last part of what is a URL in place of an ID."""

    def through(kind: str, value: Any) -> Any:
        if value.__class__ is str and value.startswith(("http://", "https://")):
            head, _, last = value.rpartition("/")
            new = change(kind, last)
            return value if new is last or not last else f"{head}/{new}"
        return change(kind, value)

    return through


def _rewrite_patch(shape: Shape, operations: list[Any], change: Change) -> list[Any]:
    """A JSON patch, in the form of RFC 6902 or the older one (``{"replace": "/name", ...}``)."""
    changed = [_rewrite_operation(shape, operation, change) for operation in operations]
    same = all(new is old for new, old in zip(changed, operations, strict=True))
    return operations if same else changed


def _rewrite_operation(shape: Shape, operation: Any, change: Change) -> Any:
    if not isinstance(operation, dict):
        return operation
    path = operation.get("path") or operation.get("add") or operation.get("replace")
    value = operation.get("value")
    if not isinstance(path, str) or not isinstance(value, str) or not value:
        return operation
    kind = shape.patched_fields.get(path.removeprefix("/"))
    if kind is None:
        return operation
    new = change(kind, value)
    return operation if new is value else {**operation, "value": new}
