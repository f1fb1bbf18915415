"""Reads the whole of a list that its service does not give in pages, or only of late; and of usage in pages."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from adapters.errors import SiteUnreachable
from adapters.identity import SiteToken
from adapters.spec import Resource
from federator.asker import Asker, Exchange, Question, Said
from federator.call import SiteReply
from federator.merge import add_numbers, identity
from federator.paging import LARGEST_PAGE, LONGEST_LIST, Page, filters_of


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
    marker: str | None = ""
    while marker is not None:
        behind = _behind(site_call.query, marker)
        reply = await asker.send(replace(site_call, query=behind), token)
        if reply.status >= 400:
            return reply, site_call.put_back
        found = _items(reply, resource)
        items.extend(found)
        onward = _onward(reply.body, resource.keys) if found else None
        if onward == "":
            onward = str(identity(resource, found[-1]))
        if onward is not None and (onward == marker or len(items) > LONGEST_LIST):
            raise SiteUnreachable(token.site, "its list of pages does not end")
        marker = onward
    body = {
        name: value
        for name, value in reply.body.items()
        if name not in (f"{resource.keys}_links", "next", "first")
    }
    body[resource.keys] = items
    return replace(reply, body=body, raw=b""), site_call.put_back


async def whole_document(asker: Asker, question: Question, token: SiteToken) -> Said:
    """A document of numbers that a site gives in pages (the usage of a project by its servers), as one."""
    call = question.call
    assert call.resource is not None
    key = call.resource.key
    asked = replace(call, query=filters_of(call.query))
    site_call = asker.localized(replace(question, call=asked), token)
    pages: list[dict[str, Any]] = []
    marker: str | None = ""
    while marker is not None:
        behind = _behind(site_call.query, marker)
        reply = await asker.send(replace(site_call, query=behind), token)
        if reply.status >= 400 or not isinstance(reply.body, dict):
            return reply, site_call.put_back
        pages.append({n: value for n, value in reply.body.items() if n != f"{key}_links"})
        onward = _onward(reply.body, key)
        if onward == marker or len(pages) > LONGEST_LIST // LARGEST_PAGE:
            raise SiteUnreachable(token.site, "its list of pages does not end")
        marker = onward or None
    return replace(reply, body=add_numbers(call.resource, pages), raw=b""), site_call.put_back


def _items(reply: SiteReply, resource: Resource) -> list[Any]:
    """The items of a list. Raises SiteUnreachable for anything that is not this list."""
    items = reply.body.get(resource.keys) if isinstance(reply.body, dict) else None
    if reply.status >= 300 or not isinstance(items, list):
        raise SiteUnreachable(reply.site, f"its answer is not a list of {resource.keys}")
    return items


def _onward(body: Mapping[str, Any], key: str) -> str | None:
    """What the link to the next page has as marker, empty if it has none; None if there is no such link."""
    links = body.get(f"{key}_links")
    hrefs = [
        link.get("href")
        for link in (links if isinstance(links, list) else ())
        if isinstance(link, dict) and link.get("rel") == "next"
    ]
    for href in (body.get("next"), *hrefs):
        if href:
            return parse_qs(urlsplit(str(href)).query).get("marker", [""])[0]
    return "" if hrefs else None


def _behind(query: str, marker: str) -> str:
    return "&".join(filter(None, (query, f"marker={quote(marker, safe='')}" if marker else "")))
