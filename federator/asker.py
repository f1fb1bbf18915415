"""Asks one site one question, in its own words, and brings the answer back in ours.

    token      home's for the site's, from memory mostly
    localize   the question in the site's IDs                       pure
    send       to an older site by way of the quirks that lift it
    globalize  the answer in the tenants' IDs                       pure
    register   IDs seen for the first time, before anybody else sees them

Whatever goes wrong with the site is a SiteError; `federator.fanout` turns it into a reply.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from time import perf_counter

import orjson
import structlog
from multidict import CIMultiDictProxy

from adapters.account import Account
from adapters.breakers import IDENTITY, Breakers
from adapters.client import SiteClient
from adapters.errors import ExchangeRefused, SiteError, SiteSilent
from adapters.identity import Identity, SiteToken
from adapters.names import Site as SiteNames
from adapters.session import SiteSessions
from adapters.sites import Site
from adapters.spec import Ids, Service
from adapters.translate import Shape
from federator import metrics
from federator.call import Call, SiteCall, SiteReply
from federator.faults import BadRequest
from federator.globalize import Globalizer, put_back
from federator.hiding import (
    has_traces,
    may_have_upkeep,
    without_traces,
    without_unknown_replicas,
    without_upkeep,
)
from federator.lifter import Lifter
from federator.localize import localize
from federator.notice import Notice, tells_numbers
from federator.owners import Owners
from federator.plan import Whereabouts
from federator.requestlog import site_answered
from federator.stream_places import StreamPlaces
from federator.waysout import WaysOut
from idmap.front import IdMap

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """All that a site has to be told: the same for every site of a call."""

    call: Call
    shape: Shape | None
    identity: Identity
    where: Whereabouts
    request_id: str
    strict: bool = False
    """Nothing but what the sites say now will do."""


Said = tuple[SiteReply, Mapping[str, str]]
"""What a site said, still in its own IDs, and local ID -> the ID the client sent."""

Exchange = Callable[["Asker", Question, SiteToken], Awaitable[Said]]
"""How to get an answer with a token: one request, or the pages of a list (`federator.sitelist`)."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Puts a question to one site."""

    sites: Mapping[str, Site]
    names: Mapping[str, SiteNames]
    accounts: Mapping[str, Account]
    endpoints: Mapping[str, Mapping[str, str]]
    """Site -> service type -> URL; empty until the site has answered for the first time."""
    services: tuple[Service, ...]
    sessions: SiteSessions
    lifter: Lifter
    client: SiteClient
    breakers: Breakers
    read_seconds: float
    """How long a site may take to answer one request that changes nothing."""
    write_seconds: float
    """... and any other one."""
    ids: IdMap
    notice: Notice
    owners: Owners
    rules: Mapping[str, Ids]
    public_base: str
    ways_out: WaysOut
    stream_places: StreamPlaces = field(default_factory=StreamPlaces)

    async def answer(self, question: Question, site: str, exchange: Exchange) -> SiteReply:
        """What a site answers, with global IDs, all of them in the map. Raises SiteError."""
        token = await self.site_token(question.identity, site)
        reply, sent = await exchange(self, question, token)
        if reply.status == 401:
            # The site has forgotten its own token (revoked, keys rotated): log in once more, no oftener.
            self.sessions.forget_site_token(token)
            token = await self.site_token(question.identity, site)
            reply, sent = await exchange(self, question, token)
            if reply.status == 401:
                raise ExchangeRefused(site, "its services refuse the tokens of its Keystone")
        call = question.call
        if call.resource is not None and may_have_upkeep(call.resource, reply.raw):
            account = await self.accounts[site].project_id()
            reply = without_upkeep(call.resource, reply, account)
        if call.resource is not None and call.resource.shared and has_traces(reply.raw):
            only_of = token.project_id if question.identity.is_admin else ""
            reply = without_unknown_replicas(call.resource, reply, self.ids.pins, only_of)
        local_id = question.where.path.get(str(call.object_id), {}).get(site)
        project_id = question.identity.project_id
        self.notice.passed(call, token, reply, project_id, local_id)
        answer = await self._globalized(question, token, reply, sent)
        if answer.ok and tells_numbers(call):
            await self.notice.counted(call, site, project_id, answer.body)
        return answer

    async def site_token(self, identity: Identity, site: str) -> SiteToken:
        """The caller's token at a site; whose project and user these are is known to the map then."""
        if site not in self.sites:
            # Until it is removed, what spans sites may have a part there.
            raise ExchangeRefused(site, "is none of sites in federator.yaml (any more)")
        known_to_be_away = self.breakers.is_away(site, IDENTITY)
        try:
            token = await self.sessions.site_token(identity, site)
        except SiteError as error:
            if not known_to_be_away:
                metrics.login_error(site, error)
            raise
        await self.owners.remember(identity, token)
        return token

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

    async def send(self, site_call: SiteCall, token: SiteToken) -> SiteReply:
        """One question and what came back, in the site's own IDs; of an older site, lifted.

        Raises SiteUnreachable, at once if the service is known to be away. Raises Fault where a newer site
        would refuse what this one would not.
        """
        return await self.lifter.reply(site_call, token.token, self._send)

    async def _send(self, site_call: SiteCall) -> SiteReply:
        """One request and what came back, as it came."""
        site, service = site_call.site, site_call.service
        self.breakers.check(site, service)
        try:
            return await self._sent(site_call)
        except SiteError as error:
            metrics.site_error(site, service, error)
            raise

    async def _sent(self, site_call: SiteCall) -> SiteReply:
        site, service = site_call.site, site_call.service
        began = perf_counter()
        try:
            status, headers, raw = await self._said(site_call)
        finally:
            seconds = perf_counter() - began
            metrics.histogram(metrics.SITE_SECONDS, site, service).observe(seconds)
        metrics.site_status(site, service, status)
        site_answered(site, status, headers)
        body = None
        if raw and "json" in headers.get("Content-Type", ""):
            try:
                body = orjson.loads(raw)
            except orjson.JSONDecodeError as error:
                raise SiteSilent(site, "its answer is not JSON") from error
        return SiteReply(site, status, headers, body, raw)

    async def _said(self, site_call: SiteCall) -> tuple[int, CIMultiDictProxy[str], bytes]:
        """Status, headers and body of the answer, within the deadline."""
        site, service = site_call.site, site_call.service
        reads = site_call.method in ("GET", "HEAD")
        seconds = self.read_seconds if reads else self.write_seconds
        try:
            async with asyncio.timeout(seconds) as timeout:
                guard = (
                    self.breakers.reading(site, service, timeout)
                    if reads
                    else self.breakers.passing(site, service)
                )
                with guard:
                    async with self.client.request(
                        site,
                        site_call.method,
                        site_call.url,
                        site_call.headers,
                        site_call.body,
                        verify=self.sites[site].verify,
                    ) as response:
                        self.breakers.heard(site, service)
                        return response.status, response.headers, await response.read()
        except TimeoutError as error:
            raise SiteSilent(site, f"no answer within {seconds:g} s") from error

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

    async def _globalized(
        self, question: Question, token: SiteToken, reply: SiteReply, sent: Mapping[str, str]
    ) -> SiteReply:
        globalizer = self.globalizer(question.identity, token)
        if reply.status >= 400:
            # Some error bodies name the request, and this is ours.
            theirs = _bare(reply.headers.get("X-Openstack-Request-Id", ""))
            names = {**sent, theirs: _bare(question.request_id)} if theirs else sent
            raw = await self.text_put_back(globalizer, reply.raw, names)
            return replace(globalizer.reply(question.call, question.shape, reply), raw=raw)
        answer = globalizer.reply(question.call, question.shape, reply, sent)
        if question.call.service.type == "network" and has_traces(reply.raw):
            answer = replace(answer, body=without_traces(answer.body), raw=b"")
        if question.call.service.type == "network":
            body = await self.ways_out.added(question.call.resource, token.site, answer.body)
            if body is not answer.body:
                answer = replace(answer, body=body, raw=b"")
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


def _bare(request_id: str) -> str:
    return request_id.removeprefix("req-")


async def one_request(asker: Asker, question: Question, token: SiteToken) -> Said:
    """The answer to the question as it is."""
    site_call = asker.localized(question, token)
    return await asker.send(site_call, token), site_call.put_back
