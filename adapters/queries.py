"""IDs in query strings. Pure.

A query is not taken apart and put together again: what needs no change keeps its place and its very
bytes, for clients sign URLs and services read repeated parameters.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote, unquote_plus

from adapters.shape import Change, Shape
from adapters.spec import ANY, By

_LIST = re.compile(r"(!?in:|!)(.*)", re.DOTALL)
"""Glance and Placement: ``in:a,b``, ``!in:a,b``, ``!a``."""


@dataclass(frozen=True, slots=True)
class _Filters:
    kinds: dict[str, str]
    """Parameter -> kind."""
    beginnings: tuple[tuple[str, str], ...]
    """Beginning of parameters -> kind."""
    inner: dict[str, dict[str, str]]
    """Parameter -> what stands before the ``=`` in its value -> kind (``fixed_ips=subnet_id=...``)."""

    def kind(self, name: str) -> str | None:
        if name in self.kinds:
            return self.kinds[name]
        for beginning, kind in self.beginnings:
            if name.startswith(beginning):
                return kind
        return None


def rewrite_query(shape: Shape, raw: str, change: Change) -> str:
    """The raw query string (without ``?``) with its IDs changed."""
    if not raw:
        return raw
    filters = _filters(shape)
    pairs = raw.split("&")
    changed = [_rewrite_pair(filters, pair, change) for pair in pairs]
    return raw if changed == pairs else "&".join(changed)


def ids_in_query(shape: Shape, raw: str) -> list[tuple[str, str]]:
    """Every (kind, ID) in a raw query string."""
    found: list[tuple[str, str]] = []

    def collect(kind: str, value: Any) -> Any:
        found.append((kind, value))
        return value

    rewrite_query(shape, raw, collect)
    return found


def _rewrite_pair(filters: _Filters, pair: str, change: Change) -> str:
    raw_name, equals, raw_value = pair.partition("=")
    if not raw_value:
        return pair
    name, value = unquote_plus(raw_name), unquote_plus(raw_value)
    kind = filters.kind(name)
    start = ""
    if name in filters.inner:
        before, inner_equals, rest = value.partition("=")
        inner_kind = filters.inner[name].get(before)
        if inner_equals and inner_kind:
            start, value, kind = before + inner_equals, rest, inner_kind
    if kind is None:
        return pair
    new = _rewrite_value(kind, value, change)
    if new == value:
        return pair
    # Signs that the client did not encode stay as it wrote them.
    plain = "".join(sign for sign in ":,=!@/" if sign in raw_value)
    return f"{raw_name}{equals}{quote(start + new, safe=plain)}"


def _rewrite_value(kind: str, value: str, change: Change) -> str:
    listed = _LIST.fullmatch(value)
    if listed is None:
        return _changed(kind, value, change)
    operator, values = listed.groups()
    return operator + ",".join(_rewrite_quoted(kind, each, change) for each in values.split(","))


def _rewrite_quoted(kind: str, value: str, change: Change) -> str:
    if len(value) > 2 and value[0] == value[-1] == '"':
        return f'"{_changed(kind, value[1:-1], change)}"'
    return _changed(kind, value, change)


def _changed(kind: str, value: str, change: Change) -> str:
    return str(change(kind, value)) if value else value


@cache
def _filters(shape: Shape) -> _Filters:
    resource = shape.resource
    kinds: dict[str, str] = {}
    inner: dict[str, dict[str, str]] = {}
    for path, kind in resource.refs.items():
        told = ANY if isinstance(kind, By) else kind
        name, _, rest = path.partition("[].")
        if rest and "[" not in rest and "." not in rest:
            inner.setdefault(name, {})[rest] = told
        elif path.removesuffix("[]").isidentifier():
            kinds[path.removesuffix("[]")] = told
    if not resource.document:
        kinds |= {resource.id_field: resource.id_kind} if resource.id_field else {}
        kinds |= {"id": resource.id_kind, "marker": resource.id_kind}
    beginnings: list[tuple[str, str]] = []
    for name, kind in resource.filters.items():
        told = ANY if isinstance(kind, By) else kind
        if name.endswith("*"):
            beginnings.append((name[:-1], told))
        else:
            kinds[name] = told
    return _Filters(kinds, tuple(beginnings), inner)
