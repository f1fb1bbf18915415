"""An object of a site that is away, in the words of its service. Pure."""

from collections.abc import Mapping
from typing import Any

from adapters.spec import Resource, Service
from federator.paging import Page

Item = dict[str, Any]

EMBEDS_FLAVORS = (2, 47)
"""The microversion of Nova from which a server shows what its flavor was, and not which."""

_FLAVOR = {
    "vcpus": "vcpus",
    "ram": "ram",
    "disk": "disk",
    "ephemeral": "OS-FLV-EXT-DATA:ephemeral",
    "swap": "swap",
    "original_name": "name",
}


def whole(service: Service, resource: Resource, fields: Item, base: str) -> Item:
    """An item in global form, from the fields that are remembered of it. `base`: our public URL."""
    item = {**fields, **resource.while_away}
    own = item[resource.id_field]
    url = f"{service.version}{resource.path}/{own}"
    if service.faults == "nova":
        root = f"{base}{service.prefix}"
        item["links"] = [
            {"rel": "self", "href": f"{root}{url}"},
            {"rel": "bookmark", "href": f"{root}{resource.path}/{own}"},
        ]
    elif service.type == "image":
        item |= {"self": url, "file": f"{url}/file", "schema": f"{service.version}/schemas/image"}
    elif resource.owner == "project_id":
        item["tenant_id"] = item["project_id"]
    return item


def short(resource: Resource, item: Item) -> Item:
    """What lists without details show. A status that is not what it was is shown even there."""
    told = {name: item[name] for name in resource.brief if name in item}
    away = resource.while_away.get("status")
    return {**told, "status": away} if away and item.get("status") == away else told


def with_flavor(item: Item, microversion: str, flavors: Mapping[str, Item]) -> Item:
    """A server as this microversion shows its flavor. `flavors` are those remembered, by their ID."""
    flavor = item.get("flavor")
    if not isinstance(flavor, dict):
        # Seen only once, in a microversion that does not tell.
        flavor = {"id": "unknown"}
    if _number(microversion) < EMBEDS_FLAVORS:
        return {**item, "flavor": flavor}
    known = flavors.get(str(flavor.get("id")), {})
    embedded = {name: known.get(theirs) or 0 for name, theirs in _FLAVOR.items()}
    embedded["original_name"] = known.get("name") or str(flavor.get("id"))
    return {**item, "flavor": {**embedded, "extra_specs": {}}}


def in_order(items: list[Item], page: Page | None) -> list[Item]:
    """The items in the order that was asked for; those that are equal in it stay as they are."""
    for name, downwards in reversed(page.order if page is not None else ()):
        items = sorted(items, key=lambda item: _rank(item.get(name)), reverse=downwards)
    return items


def _rank(value: object) -> tuple[int, float, str]:
    if value is None:
        return 0, 0.0, ""
    if isinstance(value, int | float):
        return 1, float(value), ""
    return 2, 0.0, str(value).casefold()


def _number(microversion: str) -> tuple[int, ...]:
    parts = microversion.split(".")
    return tuple(int(part) for part in parts if part.isdigit())
