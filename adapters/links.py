"""Links and IDs in bodies of which nothing is declared. Pure.

A service that nobody wrote a file for still works in most cases: a field that is called like an ID and
holds what is shaped like a UUID is taken for one. Everything else stays.
"""

import re
from collections.abc import Callable
from typing import Any

from adapters.shape import Change
from adapters.spec import ANY, LINK, PROJECT, USER
from idmap.ids import is_uuid

FREE_TEXT = frozenset(
    {"metadata", "meta", "properties", "tags", "user_data", "extra_specs", "specs", "description"}
)
"""Fields whose content belongs to the user, whatever it looks like."""

_KINDS = {
    "project_id": PROJECT,
    "tenant_id": PROJECT,
    "owner_project_id": PROJECT,
    "user_id": USER,
}
_NO_OBJECTS = frozenset(
    {"request_id", "reservation_id", "segmentation_id", "trust_id", "domain_id"}
)
_PAGES = frozenset({"next", "previous", "first", "self"})
_UUID_IN_URL = re.compile(
    r"(?<=[/=])(?:[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|[0-9a-fA-F]{32})(?=[/?&#]|$)"
)


def rewrite_guess(body: Any, change: Change) -> Any:
    """A body with the IDs and links in it changed that can be told by their names."""
    if isinstance(body, list):
        return [rewrite_guess(each, change) for each in body]
    if not isinstance(body, dict):
        return body
    return {name: _guess(name, value, change) for name, value in body.items()}


def _guess(name: str, value: Any, change: Change) -> Any:
    if name in FREE_TEXT:
        return value
    if name == "links" or name.endswith("_links"):
        return rewrite_links({name: value}, lambda url: str(change(LINK, url)))[name]
    if isinstance(value, str):
        kind = _kind(name)
        return change(kind, value) if kind and is_uuid(value) else value
    if isinstance(value, list) and name.endswith(("_ids", "_uuids")):
        return [change(ANY, each) if is_uuid(each) else each for each in value]
    return rewrite_guess(value, change)


def _kind(name: str) -> str:
    if name in _KINDS:
        return _KINDS[name]
    if name in _NO_OBJECTS:
        return ""
    return ANY if name in ("id", "uuid") or name.endswith(("_id", "_uuid")) else ""


def rewrite_links(body: Any, change_url: Callable[[str], str]) -> Any:
    """A body with the URLs in it changed that lead to objects and to further pages of lists."""
    if isinstance(body, list):
        return [rewrite_links(each, change_url) for each in body]
    if not isinstance(body, dict):
        return body
    return {name: _link(name, value, change_url) for name, value in body.items()}


def _link(name: str, value: Any, change_url: Callable[[str], str]) -> Any:
    if name in FREE_TEXT:
        return value
    if name == "links" or name.endswith("_links"):
        if isinstance(value, dict):
            return {
                rel: change_url(url) if isinstance(url, str) and rel in _PAGES else url
                for rel, url in value.items()
            }
        return [_href(each, change_url) for each in value] if isinstance(value, list) else value
    if name in _PAGES and isinstance(value, str):
        return change_url(value) if value else value
    return rewrite_links(value, change_url)


def _href(link: Any, change_url: Callable[[str], str]) -> Any:
    if isinstance(link, dict) and isinstance(link.get("href"), str):
        return {**link, "href": change_url(link["href"])}
    return link


def rewrite_relative(url: str, change: Change) -> str:
    """A URL without a host (Glance: ``/v2/images/<id>/file``) stays one; only its IDs change."""
    return _UUID_IN_URL.sub(lambda found: str(change(ANY, found[0])), url)
