"""Reads the whole of a list that its service does not give in pages, or only of late."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from adapters.errors import SiteUnreachable
from adapters.identity import SiteToken
from adapters.spec import Resource
from federator.asker import Asker, Exchange, Question, Said
from federator.call import SiteReply
from federator.merge import identity
from federator.paging import LARGEST_PAGE, LONGEST_LIST, Page


def pages_for(page: Page) -> Exchange:
    """What reads a list out of which this page is cut."""

    async def read(asker: Asker, question: Question, token: SiteToken) -> Said:
        return await _read(asker, question, token, page)

    return read


async def _read(asker: Asker, question: Question, token: SiteToken, page: Page) -> Said:
    call = question.call
    assert call.resource is not None
    resource = call.resource
    asked = replace(call, query=page.for_site(call.query, LARGEST_PAGE))
    site_call = asker.localized(replace(question, call=asked), token)
    items: list[Any] = []
    marker, more = "", True
    while more:
        behind = "&".join(filter(None, (site_call.query, f"marker={marker}" if marker else "")))
        reply = await asker.send(replace(site_call, query=behind), token)
        if reply.status >= 400:
            return reply, site_call.put_back
        found = _items(reply, resource)
        items.extend(found)
        more = bool(found) and _has_next(reply.body, resource.keys)
        last = str(identity(resource, found[-1])) if found else ""
        if more and (last == marker or len(items) > LONGEST_LIST):
            raise SiteUnreachable(token.site, "its list of pages does not end")
        marker = quote(last, safe="")
    body = {
        name: value
        for name, value in reply.body.items()
        if name not in (f"{resource.keys}_links", "next", "first")
    }
    body[resource.keys] = items
    return replace(reply, body=body, raw=b""), site_call.put_back


def _items(reply: SiteReply, resource: Resource) -> list[Any]:
    """The items of a list. Raises SiteUnreachable for anything that is not this list."""
    items = reply.body.get(resource.keys) if isinstance(reply.body, dict) else None
    if reply.status >= 300 or not isinstance(items, list):
        raise SiteUnreachable(reply.site, f"its answer is not a list of {resource.keys}")
    return items


def _has_next(body: Mapping[str, Any], keys: str) -> bool:
    if body.get("next"):
        return True
    links = body.get(f"{keys}_links")
    return isinstance(links, list) and any(
        isinstance(link, dict) and link.get("rel") == "next" for link in links
    )
