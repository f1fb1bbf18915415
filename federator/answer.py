"""The replies of sites become the answer to the client: status, headers, body. Pure.

What a site said goes on as it is; our own part is what only we can know: the merged list, the links to the
next page, the names of the sites that could not be asked.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl

import orjson
from aiohttp import web
from multidict import CIMultiDict

from adapters.spec import Merge, Resource
from federator.call import Call, SiteReply
from federator.faults import BadRequest, Fault, Forbidden, NotFound, Unavailable
from federator.headers import returned_by_site
from federator.merge import add_numbers, common_items, cut, identity, merge_lists
from federator.paging import Page, names_one, next_query, previous_query

MISSING_SITES = "X-Federation-Missing-Sites"
LAST_KNOWN = "X-Federation-Last-Known"
"""One for each site for which something else stands: its name, and when that was so."""
_NONE: Mapping[str, str] = MappingProxyType({})
ABSENT = frozenset({403, 404, 405, 501})
"""Statuses by which a site says that it does not have, or not for this caller, what all are asked for."""


def one(reply: SiteReply, request_id: str) -> web.Response:
    """The answer of the one site that owns the thing. Raises Unavailable or Forbidden without one."""
    if reply.nothing_there:
        raise Forbidden(f"The site {reply.site} cannot be used: {reply.missing}.")
    if reply.missing:
        raise Unavailable(f"The site {reply.site} cannot be asked: {reply.missing}.")
    raw = reply.raw if reply.raw or reply.body is None else orjson.dumps(reply.body)
    headers = returned_headers(reply, request_id)
    if reply.last_known:
        headers[MISSING_SITES] = reply.site
        headers.extend(_ages([reply]))
    return web.Response(
        status=reply.status,
        headers=headers,
        body=None if reply.status in (204, 304) else raw,
    )


def replicas(replies: Sequence[SiteReply], request_id: str) -> web.Response:
    """The answer of all sites that have a part in one object: the first that did not do it, if any.

    A replica that is gone already does not spoil a deletion that another site carried out.
    """
    missing = [reply for reply in replies if reply.missing]
    done = [reply for reply in replies if reply.ok]
    undone = [reply for reply in replies if not reply.ok and not (done and reply.status == 404)]
    return one((missing or undone or done or list(replies))[0], request_id)


@dataclass(frozen=True, slots=True)
class Part:
    """The items that stand on a page, and what follows them."""

    items: list[Any]
    more: bool
    token: str = ""
    """How far each site has been passed, for the link to the next page."""


def merged(
    call: Call,
    page: Page | None,
    replies: Sequence[SiteReply],
    public_base: str,
    request_id: str,
    part: Part | None = None,
) -> web.Response:
    """One answer out of the replies of all sites. Raises Unavailable if none could be asked.

    Without `part` the replies hold the whole of each site's list, and the page is cut out of them.
    """
    missing = [reply.site for reply in replies if _is_missing(reply)]
    away = [reply.site for reply in replies if _is_missing(reply) or reply.last_known]
    refused = [r for r in replies if 400 <= r.status < 500 and r.status not in (*ABSENT, 429)]
    good = [reply for reply in replies if reply.ok and not _is_missing(reply)]
    if refused:
        return one(refused[0], request_id)
    said = [reply for reply in replies if reply.status >= 400]
    if not good and said and len(said) == len(replies):
        # All refuse, if only because they choke on the question: the first of them says it best.
        return one(said[0], request_id)
    if not good and missing:
        raise Unavailable(f"{' and '.join(missing)} cannot be asked just now.")
    if not good and said:
        return one(said[0], request_id)
    if missing and call.resource is not None and call.resource.merge is Merge.NUMBERS:
        # To count them as nothing would have somebody believe that there is room.
        raise Unavailable(f"The numbers of {' and '.join(missing)} are not known just now.")
    live = [reply for reply in good if not reply.last_known]
    headers = returned_headers(live[0], request_id) if live else own_headers(request_id)
    if away:
        headers[MISSING_SITES] = ",".join(away)
    headers.extend(_ages(good))
    body = _merged_body(call, page, good, missing, public_base, part)
    nothing = call.is_list and call.resource is not None and not body.get(call.resource.keys)
    if missing and nothing and names_one(call.query):
        # Somebody looks for one thing, perhaps to make it if it is not there. We cannot know.
        raise Unavailable(f"What is asked for may be at {', '.join(missing)}, not there just now.")
    return web.Response(status=200, headers=headers, body=orjson.dumps(body))


def in_common(
    call: Call, replies: Sequence[SiteReply], known: Set[str] | None, request_id: str
) -> web.Response:
    """One thing that counts only if all sites have it (an extension), as the first of them describes it.

    `known` are the IDs of those that all sites have, as far as they ever told; a site that is away counts too.
    Raises NotFound or Unavailable.
    """
    lacking = [reply for reply in replies if reply.status in ABSENT and not reply.missing]
    if lacking:
        return one(lacking[0], request_id)
    if known is not None and call.object_id not in known:
        raise NotFound("The resource could not be found.")
    return one((*(reply for reply in replies if reply.ok), *replies)[0], request_id)


def with_items_of(resource: Resource, reply: SiteReply, known: Set[str] | None) -> SiteReply:
    """The reply with only those items of its list that are `known`."""
    items = reply.body.get(resource.keys) if isinstance(reply.body, dict) else None
    if known is None or not isinstance(items, list):
        return reply
    kept = [item for item in items if isinstance(item, dict) and identity(resource, item) in known]
    return replace(reply, body={**reply.body, resource.keys: kept}, raw=b"")


def all_there(replies: Sequence[SiteReply]) -> None:
    """Raise Unavailable if any site owes its part of the answer."""
    missing = [reply.site for reply in replies if _is_missing(reply) or reply.last_known]
    if missing:
        raise Unavailable(f"{' and '.join(missing)} cannot be asked just now, and all have to be.")


def _ages(replies: Sequence[SiteReply]) -> list[tuple[str, str]]:
    """Since when what is shown of sites that are away may have changed."""
    return [
        (LAST_KNOWN, f"{reply.site} {datetime.fromtimestamp(reply.last_known, UTC):%FT%TZ}")
        for reply in replies
        if reply.last_known
    ]


def _is_missing(reply: SiteReply) -> bool:
    """Whether a site owes us its part of a merged answer."""
    if reply.missing:
        return not reply.nothing_there
    if reply.status < 400:
        return reply.status >= 300 or not isinstance(reply.body, dict)
    return reply.status >= 500 or reply.status == 429


def returned_headers(reply: SiteReply, request_id: str) -> CIMultiDict[str]:
    """A site's headers that go on to the client, with our request ID."""
    headers = returned_by_site(reply.headers)
    if "X-Compute-Request-Id" in reply.headers:
        headers["X-Compute-Request-Id"] = request_id
    headers["X-Openstack-Request-Id"] = request_id
    return headers


def own_headers(request_id: str, more: Mapping[str, str] = _NONE) -> CIMultiDict[str]:
    """The headers of a JSON answer that no site has a part in."""
    return CIMultiDict(
        {"Content-Type": "application/json", "X-Openstack-Request-Id": request_id, **more}
    )


def _merged_body(
    call: Call,
    page: Page | None,
    replies: Sequence[SiteReply],
    missing: Sequence[str],
    public_base: str,
    part: Part | None,
) -> Any:
    resource = call.resource
    assert resource is not None
    bodies = [reply.body for reply in replies]
    # Usage is given whole, be there pages at the sites: nothing is behind whatever stands in it.
    given = resource.merge is Merge.NUMBERS and "marker" in dict(parse_qsl(call.query))
    if page is None:
        return add_numbers(resource, bodies) if bodies and not given else {resource.key: {}}
    lists = [body.get(resource.keys) or [] for body in bodies]
    rest = _beside_lists(resource, bodies)
    if resource.merge is Merge.INTERSECT:
        return {**rest, resource.keys: common_items(lists)}
    if resource.merge is Merge.NUMBERS:
        return {**rest, resource.keys: [] if given else _added_by_owner(resource, lists)}
    if part is None:
        found = cut(resource, merge_lists(resource, lists, page), page)
        if found is None and missing:
            raise Unavailable(f"The marker may be at {' or '.join(missing)}, not there just now.")
        if found is None:
            raise _unknown_marker(call, page)
        part = Part(*found)
    chosen = part.items
    links = _links(call, page, part, public_base)
    if page.fields:
        chosen = [{name: item[name] for name in item if name in page.fields} for item in chosen]
    return {**rest, resource.keys: chosen, **links}


def _unknown_marker(call: Call, page: Page) -> Fault:
    """Each service has its own mind about a marker that is not there."""
    assert call.resource is not None
    if call.service.type in ("block-storage", "network"):
        noun = call.resource.key.replace("_", " ").capitalize()
        return NotFound(f"{noun} {page.marker} could not be found.")
    return BadRequest(f"marker [{page.marker}] not found")


def _beside_lists(resource: Resource, bodies: Sequence[Any]) -> dict[str, Any]:
    """What stands beside the list in a body: counts add up, the rest is the first site's."""
    beside: dict[str, Any] = {}
    for body in bodies:
        for name, value in body.items():
            if name == resource.keys:
                continue
            if name == "count" and isinstance(value, int):
                beside[name] = beside.get(name, 0) + value
            else:
                beside.setdefault(name, value)
    return beside


def _added_by_owner(resource: Resource, lists: Sequence[list[Any]]) -> list[Any]:
    """Usage of one project at several sites is one entry."""
    owners: dict[Any, list[Any]] = {}
    for items in lists:
        for item in items:
            owners.setdefault(identity(resource, item), []).append(item)
    return [add_numbers(resource, same) for same in owners.values()]


def _links(call: Call, page: Page, part: Part, public_base: str) -> dict[str, Any]:
    """Links to the neighbouring pages, each service in its own form."""
    resource, service = call.resource, call.service
    assert resource is not None
    chosen, more = part.items, part.more
    here = service.version + call.project + call.path
    query = call.said or call.query
    onward = partial(next_query, query, cursor=part.token, offset=False)
    if service.type == "image":
        # Glance's links are relative to the endpoint; clients depend on it.
        extra = {"first": here + (f"?{first}" if (first := next_query(query, "")) else "")}
        if more and chosen:
            extra["next"] = f"{here}?{onward(_marker(resource, chosen[-1]))}"
        return extra
    links = []
    base = f"{public_base}{service.prefix}{here}"
    if more and chosen and not page.reverse:
        after = onward(_marker(resource, chosen[-1]))
        links.append({"rel": "next", "href": f"{base}?{after}"})
    if service.type == "network" and chosen and page.limited:
        if page.reverse:
            after = next_query(query, _marker(resource, chosen[-1]), reverse=False)
            links.append({"rel": "next", "href": f"{base}?{after}"})
        if page.marker and (not page.reverse or more):
            before = previous_query(query, _marker(resource, chosen[0]))
            links.append({"rel": "previous", "href": f"{base}?{before}"})
    return {resource.links or f"{resource.keys}_links": links} if links else {}


def _marker(resource: Resource, item: Any) -> str:
    """What a client says to mean this item when it asks for those behind it."""
    own = item.get(resource.marker_field) if resource.marker_field else None
    return str(identity(resource, item) if own is None else own)
