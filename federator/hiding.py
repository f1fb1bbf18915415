"""What tenants do not see of the federation's upkeep. Pure.

A port that stands for one of another site (`sync.placeholders`) is none, wherever it would be shown; nor are
transit networks, their subnets and ports (`sync.transit`), and the routes over them.
An object with replicas is one: lists show the anchor's, and pass over the others, also over one that has
just been born and that the ID map does not know yet. Marks (tags, and the ends of descriptions) are taken out
of whatever a site says.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from adapters.marks import (
    OURS,
    REMOTE,
    is_ours,
    is_upkeep,
    marks_of,
    pools_in,
    unmarked,
    without_marks,
)
from adapters.spec import Resource
from adapters.transit import may_have_transit, without_transit
from federator.call import SiteReply
from idmap.pins import PinTable
from idmap.store import BURIED

_TRACE = OURS.encode()
_REMOTE = REMOTE.encode()


def hides(
    resource: Resource, item: Mapping[str, Any], site: str, sites: Collection[str], pins: PinTable
) -> bool:
    """Whether an item of a site's list, in global IDs, is not for tenants; `sites` are all that are asked."""
    pin = pins.pin(resource.id_kind, str(item.get(resource.id_field)))
    if pin is None or not pin.anchor:
        return False
    # Where its anchor is may not be known (`sync.restored`): then one of the replicas stands for it.
    elsewhere = pin.anchor != site and pin.anchor in sites and pin.anchor in pin.places
    return pin.origin == BURIED or elsewhere


def has_traces(raw: bytes) -> bool:
    """Whether there may be marks in a body, or routes that are the federation's: mostly there are none, and it
    need not be looked through."""
    return not raw or _TRACE in raw or may_have_transit(raw)


def without_traces(body: Any) -> Any:
    """A body without the federation's marks."""
    if isinstance(body, list):
        return [without_traces(each) for each in body]
    if not isinstance(body, dict):
        return body
    clean = {name: without_traces(value) for name, value in body.items()}
    tags, text = clean.get("tags"), clean.get("description")
    if isinstance(tags, list) and any(is_ours(tag) for tag in tags):
        clean["tags"] = without_marks(tags)
        if "allocation_pools" in clean:
            # A site has but a part of what the tenant wanted.
            clean["allocation_pools"] = pools_in(tags) or clean["allocation_pools"]
    if isinstance(clean.get("routes"), list):
        clean["routes"] = without_transit(clean["routes"])
    if isinstance(text, str):
        clean["description"] = unmarked(text)
    return clean


def may_have_upkeep(resource: Resource, raw: bytes) -> bool:
    """Whether a site's answer has to be looked through for what is nobody's: also if `raw` is lost, and so is
    empty."""
    if resource.kind not in ("network", "subnet", "port"):
        return False
    return not raw or _REMOTE in raw or may_have_transit(raw)


def without_upkeep(resource: Resource, reply: SiteReply, account: str) -> SiteReply:
    """A site's answer, in its own IDs, without ports that stand for those of other sites and without transit
    networks.

    `account` is the project of the gateway's account there.
    """
    body = reply.body if isinstance(reply.body, dict) else {}
    one, many = body.get(resource.key), body.get(resource.keys)
    if isinstance(one, dict) and is_upkeep(one, account):
        noun = resource.key.capitalize()
        message = f"{noun} {one.get('id')} could not be found."
        fault = {"NeutronError": {"type": f"{noun}NotFound", "message": message, "detail": ""}}
        return replace(reply, status=404, body=fault, raw=orjson.dumps(fault))
    if not isinstance(many, list):
        return reply
    return _showing(
        resource,
        reply,
        [not (isinstance(each, dict) and is_upkeep(each, account)) for each in many],
    )


def without_unknown_replicas(
    resource: Resource, reply: SiteReply, pins: PinTable, only_of: str = ""
) -> SiteReply:
    """A site's list, in its own IDs, without replicas that the map does not know as such, or not yet.

    From the birth of a replica until every gateway knows it there would be two of one name. But whoever has
    something may write marks on it: `only_of` is the project of an admin there, to whom other projects can
    hide nothing.
    """
    many = reply.body.get(resource.keys) if isinstance(reply.body, dict) else None
    if not isinstance(many, list):
        return reply
    return _showing(
        resource,
        reply,
        [not _is_unknown_replica(resource, each, reply.site, pins, only_of) for each in many],
    )


def _is_unknown_replica(
    resource: Resource, item: Any, site: str, pins: PinTable, only_of: str
) -> bool:
    if not isinstance(item, dict) or (only_of and item.get("project_id") != only_of):
        return False
    marks = marks_of(item)
    pin = pins.pin(resource.id_kind, marks.global_id) if marks is not None else None
    if pin is None or not pin.anchor:
        return False
    here = pin.places.get(site)
    return here != item.get(resource.id_field) if here else pin.anchor != site


def _showing(resource: Resource, reply: SiteReply, shown: Sequence[bool]) -> SiteReply:
    """The list in a reply, of which only some items are shown."""
    if all(shown):
        return reply
    body = dict(reply.body)
    many = body[resource.keys]
    kept = [each for each, is_shown in zip(many, shown, strict=True) if is_shown]
    # Their IDs stand in links to neighbouring pages as well, of which only counts that there are any.
    links = f"{resource.keys}_links"
    bare = {links: [{"rel": each.get("rel")} for each in body[links]]} if body.get(links) else {}
    first, last = ("" if shown[at] else str(many[at].get(resource.id_field)) for at in (0, -1))
    return replace(
        reply,
        body={**body, **bare, resource.keys: kept},
        raw=b"",
        hidden=reply.hidden + len(many) - len(kept),
        ends=(reply.ends[0] or first, reply.ends[1] or last),
    )
