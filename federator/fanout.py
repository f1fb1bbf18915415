"""Asks sites: many at once, each within its own deadline. The only I/O of a request beside the ID map.

A site that is silent, refuses the exchange or has no such project is an answer too: a `SiteReply` that says
why. What a site did say comes back in global IDs, and the map knows them all before anybody sees them.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

import orjson
import structlog
from multidict import CIMultiDictProxy

from adapters.client import SiteClient, whole
from adapters.errors import (
    ExchangeRefused,
    ProjectNotThere,
    SiteSilent,
    SiteUnreachable,
    TokenMixUp,
)
from adapters.identity import Identity, SiteToken
from adapters.names import Site as SiteNames
from adapters.session import SiteSessions
from adapters.sites import Site
from adapters.spec import Ids, Resource, Service
from adapters.translate import Shape
from federator import metrics
from federator.call import Call, SiteCall, SiteReply
from federator.faults import BadRequest, Timeout
from federator.globalize import Globalizer, put_back
from federator.localize import localize
from federator.merge import identity
from federator.owners import Owners
from federator.paging import Page
from federator.plan import Whereabouts
from federator.requestlog import SITE_ANSWERS
from idmap.front import IdMap
from idmap.store import StoreUnavailable

log = structlog.get_logger(__name__)

LONGEST_LIST = 1_000_000
"""Items of one list of one site; a site that has more lies."""


@dataclass(frozen=True, slots=True)
class Question:
    """All that a site has to be told: the same for every site of a call."""

    call: Call
    shape: Shape | None
    identity: Identity
    where: Whereabouts
    request_id: str


@dataclass(frozen=True, slots=True)
class Asker:
    """Puts a question to sites."""

    sites: Mapping[str, Site]
    names: Mapping[str, SiteNames]
    endpoints: Mapping[str, Mapping[str, str]]
    """Site -> service type -> URL; empty until the site has answered for the first time."""
    services: tuple[Service, ...]
    sessions: SiteSessions
    client: SiteClient
    ids: IdMap
    owners: Owners
    rules: Mapping[str, Ids]
    public_base: str
    read_seconds: float
    write_seconds: float

    async def ask_all(
        self, question: Question, sites: Sequence[str], page: Page | None = None
    ) -> list[SiteReply]:
        """The replies of these sites, in this order. Raises FederationError for the whole call."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._ask_softly(question, site, page)) for site in sites]
        replies = []
        for task in tasks:
            outcome = task.result()
            if isinstance(outcome, Exception):
                raise outcome
            replies.append(outcome)
        return replies

    async def ask(self, question: Question, site: str, page: Page | None = None) -> SiteReply:
        """The reply of one site, with global IDs, all of them in the map.

        Raises FederationError for what is wrong with the caller rather than with the site.
        """
        reads = question.call.method in ("GET", "HEAD")
        seconds = self.read_seconds if reads else self.write_seconds
        try:
            async with asyncio.timeout(seconds):
                return await self._ask(question, site, page)
        except ProjectNotThere as error:
            return SiteReply(site, missing=error.reason, nothing_there=True)
        except SiteSilent as error:
            return self._unanswered(question, site, error.reason)
        except (SiteUnreachable, ExchangeRefused, TokenMixUp) as error:
            log.warning("site missing", site=site, reason=error.reason)
            metrics.SITE_MISSING.labels(site).inc()
            return SiteReply(site, missing=error.reason)
        except TimeoutError:
            return self._unanswered(question, site, f"no answer within {seconds:g} s")
        except StoreUnavailable:
            if reads:
                raise
            return self._unanswered(question, site, "and the ID map went away meanwhile")
        except (
            ArithmeticError,
            AttributeError,
            LookupError,
            RecursionError,
            TypeError,
            ValueError,
        ):
            # Whatever shape a site answers in, it must not spoil what the others say.
            log.exception("an answer of a site could not be read", site=site)
            return self._unanswered(question, site, "its answer cannot be understood")

    def _unanswered(self, question: Question, site: str, reason: str) -> SiteReply:
        log.warning("site missing", site=site, reason=reason)
        metrics.SITE_MISSING.labels(site).inc()
        if question.call.method in ("GET", "HEAD"):
            return SiteReply(site, missing=reason)
        # It may have been done. To say "try again" could make the thing twice.
        raise Timeout(
            f"The site {site} gave no answer ({reason}); whether it did what was asked is not "
            f"known. Look before you repeat it ({question.request_id})."
        )

    async def _ask_softly(
        self, question: Question, site: str, page: Page | None
    ) -> SiteReply | Exception:
        # A TaskGroup would cancel the other sites and wrap the error; the caller wants it as it is.
        try:
            return await self.ask(question, site, page)
        except Exception as error:
            return error

    async def _ask(self, question: Question, site: str, page: Page | None) -> SiteReply:
        token = await self.site_token(question.identity, site)
        reply, table = await self._exchange(question, token, page)
        if reply.status == 401:
            # The site has forgotten its own token (revoked, keys rotated): exchange once more, no oftener.
            self.sessions.forget_site_token(token)
            token = await self.site_token(question.identity, site)
            reply, table = await self._exchange(question, token, page)
            if reply.status == 401:
                raise ExchangeRefused(site, "its services refuse the tokens of its Keystone")
        return await self._global(question, token, reply, table)

    async def site_token(self, identity: Identity, site: str) -> SiteToken:
        """The caller's token at a site; whose project and user these are is known to the map then."""
        token = await self.sessions.site_token(identity, site)
        await self.owners.remember(identity, token)
        return token

    async def _exchange(
        self, question: Question, token: SiteToken, page: Page | None
    ) -> tuple[SiteReply, Mapping[str, str]]:
        if page is not None:
            return await self._read_list(question, token, page)
        site_call = self.localized(question, token)
        return await self._send(site_call), site_call.put_back

    async def _read_list(
        self, question: Question, token: SiteToken, page: Page
    ) -> tuple[SiteReply, Mapping[str, str]]:
        """A site's list from its beginning, page by page, as far as the page wanted may need it."""
        call = question.call
        assert call.resource is not None
        resource = call.resource
        asked = replace(call, query=page.for_site(call.query))
        site_call = self.localized(replace(question, call=asked), token)
        items: list[Any] = []
        marker, more, enough = "", True, False
        while more and not enough:
            url = f"{site_call.url}{'&' if '?' in site_call.url else '?'}marker={marker}"
            reply = await self._send(replace(site_call, url=url) if marker else site_call)
            if reply.status >= 400:
                return reply, site_call.put_back
            found = _items(reply, resource)
            items.extend(found)
            more = bool(found) and _has_next(reply.body, resource.keys)
            last = str(identity(resource, found[-1])) if found else ""
            if more and (last == marker or len(items) > LONGEST_LIST):
                raise SiteUnreachable(token.site, "its list of pages does not end")
            marker = quote(last, safe="")
            enough = not page.whole and len(items) >= page.limit
        body = {
            name: value
            for name, value in reply.body.items()
            if name not in (f"{resource.keys}_links", "next", "first")
        }
        body[resource.keys] = items
        return replace(reply, body=body, raw=b"", more=more), site_call.put_back

    def localized(self, question: Question, token: SiteToken) -> SiteCall:
        """The question in the words of the site that gave the token. Raises BadRequest."""
        try:
            return localize(
                question.call,
                question.shape,
                self.names[token.site],
                token,
                question.identity,
                question.where,
                self.rules,
                self.endpoints[token.site],
                question.request_id,
            )
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            log.exception("a request could not be translated", request_id=question.request_id)
            raise BadRequest("The request has a value of a wrong type.") from error

    async def _send(self, site_call: SiteCall) -> SiteReply:
        site = self.sites[site_call.site]
        with metrics.SITE_SECONDS.labels(site.name).time():
            async with self.client.request(
                site.name,
                site_call.method,
                site_call.url,
                site_call.headers,
                site_call.body,
                verify=site.verify,
            ) as response:
                raw = await whole(site.name, response)
        metrics.SITE_REPLIES.labels(site.name, str(response.status)).inc()
        local_id = response.headers.get("X-Openstack-Request-Id", "-")
        SITE_ANSWERS.get([]).append(f"{site.name}:{response.status}:{local_id}")
        body = None
        if raw and "json" in response.headers.get("Content-Type", ""):
            try:
                body = orjson.loads(raw)
            except orjson.JSONDecodeError as error:
                raise SiteSilent(site.name, "its answer is not JSON") from error
        return SiteReply(
            site.name, response.status, CIMultiDictProxy(response.headers.copy()), body, raw
        )

    def globalizer(self, identity: Identity, token: SiteToken) -> Globalizer:
        """What translates the replies of the site that gave the token."""
        return Globalizer(
            self.names[token.site],
            token,
            identity,
            self.services,
            self.public_base,
            self.ids.pins,
            self.rules,
            self.endpoints[token.site],
        )

    async def _global(
        self, question: Question, token: SiteToken, reply: SiteReply, table: Mapping[str, str]
    ) -> SiteReply:
        globalizer = self.globalizer(question.identity, token)
        if reply.status >= 400:
            raw = await self.text_put_back(globalizer, reply.raw, table)
            return replace(globalizer.reply(question.call, question.shape, reply), raw=raw)
        answer = globalizer.reply(question.call, question.shape, reply, table)
        if globalizer.seen:
            await self.ids.register(token.site, globalizer.seen)
        return answer

    async def text_put_back(
        self, globalizer: Globalizer, raw: bytes, table: Mapping[str, str]
    ) -> bytes:
        """An error text with the IDs the client knows: those it sent, and others that are in the map."""
        suspects = globalizer.suspects(raw)
        known = {word: new for word, new in suspects.items() if word not in table and new != word}
        if known:
            lookup = await self.ids.locate(known.values())
            known = {w: g for w, g in known.items() if g in lookup.found or g in lookup.pinned}
        return put_back(raw, {**known, **table})


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
