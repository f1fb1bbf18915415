"""A question to an older site by way of the quirks: one question becomes several, their answers become one.

The site is asked in the highest microversion that it has, and its answer is said to be in the one that was
asked for, as it then is.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

import orjson
from multidict import CIMultiDict, CIMultiDictProxy

from adapters.abilities import Abilities
from adapters.lifting import Lifting
from adapters.profile import parsed, written
from adapters.quirk import Asked, Said
from adapters.spec import Service
from federator.call import SiteCall, SiteReply
from federator.faults import BadRequest, Fault, NotFound

_VERSION = "OpenStack-API-Version"
_REFUSALS: Mapping[int, type[Fault]] = {400: BadRequest, 404: NotFound}
_JSON = CIMultiDictProxy(CIMultiDict({"Content-Type": "application/json"}))

Send = Callable[[SiteCall], Awaitable[SiteReply]]


@dataclass(frozen=True, slots=True)
class Lifter:
    """Knows what stands between a question and a site, and takes it through that."""

    abilities: Abilities
    services: Mapping[str, Service]
    lifting: Lifting = field(default_factory=Lifting)

    async def reply(self, site_call: SiteCall, token: str, send: Send) -> SiteReply:
        """The site's reply, in its own IDs: as it came, or lifted.

        Raises Fault where a newer site would refuse what this one would not, and what `send` raises.
        """
        site, service = site_call.site, self.services[site_call.service]
        version = _asked_version(service, site_call.headers)
        quirks = self.abilities.in_force(site, service.type, version)
        if not quirks:
            return await send(site_call)
        lowered = self._lowered(site_call, service, version)
        asked = _question(site_call)
        seen: list[SiteReply] = []

        async def ask(question: Asked) -> Said:
            seen.append(await send(_site_call(lowered, question, asked)))
            return Said(seen[-1].status, seen[-1].body)

        said = await self.lifting.answer(quirks, asked, ask, (site, token))
        if said.refusal:
            raise _REFUSALS[said.status](said.refusal)
        return _with_version(_reply(site, said, seen), site_call.headers, lowered.headers)

    def _lowered(self, site_call: SiteCall, service: Service, version: str) -> SiteCall:
        own, asked = (
            self.abilities.profile(site_call.site, service.type).highest,
            parsed(version),
        )
        if own is None or asked is None or asked <= own:
            return site_call
        headers = site_call.headers.copy()
        headers[_VERSION] = f"{service.microversion} {written(own)}"
        if service.legacy_microversion_header:
            headers[service.legacy_microversion_header] = written(own)
        return replace(site_call, headers=headers)


def _asked_version(service: Service, headers: CIMultiDict[str]) -> str:
    """The microversion of a question; empty if it names none for this service."""
    name, _, version = headers.get(_VERSION, "").rpartition(" ")
    return version if service.microversion and name == service.microversion else ""


def _question(site_call: SiteCall) -> Asked:
    body = None
    if site_call.body:
        try:
            body = orjson.loads(site_call.body)
        except orjson.JSONDecodeError:
            # No JSON: a site says best what it thinks of it.
            body = None
    return Asked(site_call.method, site_call.path, site_call.query, body)


def _site_call(site_call: SiteCall, question: Asked, asked: Asked) -> SiteCall:
    if question.body is asked.body and question.method == asked.method:
        raw = site_call.body
    else:
        raw = orjson.dumps(question.body) if question.body is not None else None
    return replace(
        site_call, method=question.method, path=question.path, query=question.query, body=raw
    )


def _reply(site: str, said: Said, seen: list[SiteReply]) -> SiteReply:
    """What was said, as a reply: the one that it is, or one made of the first."""
    for reply in reversed(seen):
        if reply.status == said.status and reply.body is said.body:
            return reply
    first = seen[0] if seen else SiteReply(site, headers=_JSON)
    raw = orjson.dumps(said.body) if said.body is not None else b""
    return replace(first, status=said.status, body=said.body, raw=raw)


def _with_version(reply: SiteReply, asked: CIMultiDict[str], sent: CIMultiDict[str]) -> SiteReply:
    """The reply under the microversion that was asked for."""
    changed = [name for name in asked if asked[name] != sent[name] and name in reply.headers]
    if not changed:
        return reply
    headers = reply.headers.copy()
    for name in changed:
        headers[name] = asked[name]
    return replace(reply, headers=CIMultiDictProxy(headers))
