"""A resource's fields as a tree, compiled once into functions that walk bodies. Pure.

The tree says where IDs can stand; whatever it does not mention is not even looked at. Nothing is
changed in place: objects on the way to a changed ID are copied, all others are shared, and what needs
no change comes back as the same object.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from adapters.spec import ANY, LINK, By, Refs, Resource, Service

Change = Callable[[str, Any], Any]
"""(kind, ID) -> the ID to stand there instead. IDs are text or, for kinds with numbers, ints."""

Walk = Callable[[Any, Change], Any]
"""Gives the value with every ID in it changed."""

Paths = Iterable[tuple[str, str | By]]

_STEP = re.compile(r"(?P<name>[^\[\]{}]*)(?P<inside>(?:\[\]|\{\*?\})*)")
_INSIDE = re.compile(r"\[\]|\{\*?\}")


@dataclass(slots=True, eq=False)
class Node:
    """What may stand at one place of a body, in any of its forms."""

    kind: str | By = ""
    """... an ID of this kind."""
    fields: dict[str, "Node"] = field(default_factory=dict)
    """... an object with these fields."""
    each: "Node | None" = None
    """... a list of these."""
    keys: str = ""
    """... an object whose keys are IDs of this kind."""
    values: "Node | None" = None
    """... an object with a value of this form at every key."""

    def add(self, path: str, kind: str | By) -> None:
        """Declare an ID at a field path (`adapters.spec`)."""
        node = self
        for step in path.split("."):
            found = _STEP.fullmatch(step)
            if found is None:
                raise ValueError(f"no field path: {path!r}")
            if found["name"]:
                node = node.fields.setdefault(found["name"], Node())
            for inside in _INSIDE.findall(found["inside"]):
                if inside == "{}":
                    if isinstance(kind, By):
                        raise ValueError(f"a key has no siblings: {path!r}")
                    node.keys = kind
                    return
                attribute = "each" if inside == "[]" else "values"
                child = getattr(node, attribute) or Node()
                setattr(node, attribute, child)
                node = child
        node.kind = kind

    def extend(self, paths: Paths) -> "Node":
        """Declare several."""
        for path, kind in paths:
            self.add(path, kind)
        return self


def item_node(service: Service, resource: Resource, *, request: bool) -> Node:
    """One item of a resource, without wrapper."""
    return Node().extend(item_paths(service, resource, request=request))


def item_paths(
    service: Service, resource: Resource, *, request: bool
) -> list[tuple[str, str | By]]:
    """Every place of an item where an ID can stand: its own, its refs', those of what it embeds."""
    paths: list[tuple[str, str | By]] = []
    if not resource.document and resource.id_field:
        paths.append((resource.id_field, resource.id_kind))
        if not request:
            paths += _link_paths(resource)
    paths += resource.refs.items()
    if request:
        paths += resource.request_refs.items()
    for place, kind in resource.embeds.items():
        inner = item_paths(service, service.resource(kind), request=request)
        paths += [(f"{place}.{path}", inner_kind) for path, inner_kind in inner]
    return paths


def _link_paths(resource: Resource) -> list[tuple[str, str | By]]:
    """The URLs in an item: its own links, and those of the objects it shows in part."""
    shown = [path.removesuffix("id") for path in resource.refs if path.endswith(".id")]
    paths: list[tuple[str, str | By]] = [(f"{at}links[].href", LINK) for at in ("", *shown)]
    if resource.bare:
        paths += [(name, LINK) for name in ("self", "file", "schema")]
    return paths


def body_node(service: Service, resource: Resource, *, request: bool) -> Node:
    """A whole body: an item, a list of items or several to create, and what stands beside them."""
    root = item_node(service, resource, request=request) if resource.bare else Node()
    if resource.keys or not resource.bare:
        # Some bare things come in a wrapper in some calls (the encryption of a volume type).
        _put(root, resource.key, item_node(service, resource, request=request))
    if resource.keys:
        inner = item_node(service, resource, request=request)
        if resource.wrapped:
            outer = item_node(service, resource, request=request)
            outer.fields.setdefault(resource.key, inner)
            inner = outer
        place = root.fields.setdefault(resource.keys, Node())
        if place.each is None:
            place.each = inner
        if not request:
            # Mostly the plural; Cinder's volume types have the singular.
            for name in (resource.keys, resource.key):
                root.add(f"{name}_links[].href", LINK)
            if resource.bare:
                root.extend((name, LINK) for name in ("next", "previous", "first", "schema"))
    for name, refs in resource.siblings.items():
        root.extend(_below(name, refs))
    return root


def _put(root: Node, name: str, item: Node) -> None:
    """The item under its wrapper, unless a field of that name is already something else."""
    if name not in root.fields:
        root.fields[name] = item


def _below(name: str, refs: Refs) -> Paths:
    for path, kind in refs.items():
        yield (f"{name}{path}" if path[0] in "[{" else f"{name}.{path}"), kind


def compiled(node: Node | None) -> Walk | None:
    """The function that changes IDs at a place; None if there can be none."""
    if node is None:
        return None
    leaves = [
        (name, child.kind)
        for name, child in node.fields.items()
        if isinstance(child.kind, str) and child.kind
    ]
    told = [
        (name, child.kind.sibling, child.kind.kinds)
        for name, child in node.fields.items()
        if isinstance(child.kind, By)
    ]
    inner = [
        (name, walk_child)
        for name, child in node.fields.items()
        if (walk_child := compiled(child)) is not None
    ]
    in_object = _in_object(leaves, told, inner) if leaves or told or inner else None
    in_keys = _in_keys(node.keys, compiled(node.values))
    in_list = _in_list(node.each)
    walks = [each for each in (in_object, in_keys, in_list) if each is not None]
    if len(walks) < 2:
        # The rule, and a page has thousands of these: no step between.
        return walks[0] if walks else None

    def walk(value: Any, change: Change) -> Any:
        for each in walks:
            value = each(value, change)
        return value

    return walk


def _in_object(
    leaves: list[tuple[str, str]],
    told: list[tuple[str, str, Mapping[str, str]]],
    inner: list[tuple[str, Walk]],
) -> Walk:
    def walk(value: Any, change: Change) -> Any:
        if value.__class__ is not dict:
            return value
        out = value
        for name, kind in leaves:
            old = value.get(name)
            if old is not None and ((old.__class__ is str and old) or old.__class__ is int):
                new = change(kind, old)
                if new is not old:
                    if out is value:
                        out = value.copy()
                    out[name] = new
        for name, sibling, kinds in told:
            old = value.get(name)
            if old.__class__ is str and old:
                what = value.get(sibling)
                new = change(kinds.get(what, ANY) if isinstance(what, str) else ANY, old)
                if new is not old:
                    if out is value:
                        out = value.copy()
                    out[name] = new
        for name, walk_inner in inner:
            old = value.get(name)
            if old:
                new = walk_inner(old, change)
                if new is not old:
                    if out is value:
                        out = value.copy()
                    out[name] = new
        return out

    return walk


def _in_keys(kind: str, walk_value: Walk | None) -> Walk | None:
    if not kind and walk_value is None:
        return None

    def walk(value: Any, change: Change) -> Any:
        if value.__class__ is not dict:
            return value
        out = {}
        same = True
        for key, old in value.items():
            new_key = change(kind, key) if kind and key else key
            new = old
            if walk_value is not None and old:
                new = walk_value(old, change)
            same = same and new_key is key and new is old
            out[new_key] = new
        return value if same else out

    return walk


def _in_list(node: Node | None) -> Walk | None:
    if node is None:
        return None
    inner = compiled(node)
    kind = node.kind if isinstance(node.kind, str) else ""
    if inner is None and not kind:
        return None

    def walk(value: Any, change: Change) -> Any:
        if value.__class__ is not list:
            return value
        out = value
        for at, old in enumerate(value):
            if inner is not None and (old.__class__ is dict or old.__class__ is list):
                new = inner(old, change)
            elif kind and ((old.__class__ is str and old) or old.__class__ is int):
                new = change(kind, old)
            else:
                continue
            if new is not old:
                if out is value:
                    out = value.copy()
                out[at] = new
        return out

    return walk


def _unchanged(value: Any, change: Change) -> Any:
    return value


class Shape:
    """The compiled forms of one resource. Made by `adapters.translate.shape`, one for each."""

    def __init__(self, service: Service, resource: Resource) -> None:
        self.service = service
        self.resource = resource

    def _compiled(self, node: Node) -> Walk:
        return compiled(node) or _unchanged

    @cached_property
    def reply_item(self) -> Walk:
        return self._compiled(item_node(self.service, self.resource, request=False))

    @cached_property
    def request_item(self) -> Walk:
        return self._compiled(item_node(self.service, self.resource, request=True))

    @cached_property
    def reply_body(self) -> Walk:
        return self._compiled(body_node(self.service, self.resource, request=False))

    @cached_property
    def request_body(self) -> Walk:
        return self._compiled(body_node(self.service, self.resource, request=True))

    @cached_property
    def actions(self) -> Mapping[str, Walk]:
        """Name of an action -> what walks its argument."""
        return {
            name: self._compiled(Node().extend(refs.items()))
            for name, refs in self.resource.actions.items()
        }

    @cached_property
    def patched_fields(self) -> Mapping[str, str]:
        """Fields of an item that hold one ID each, as a JSON patch names them."""
        node = item_node(self.service, self.resource, request=True)
        return {
            name: child.kind
            for name, child in node.fields.items()
            if isinstance(child.kind, str) and child.kind
        }
