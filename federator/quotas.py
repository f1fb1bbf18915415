"""Quotas that are set for the federation.

    told     what each site allows the project now, and what it uses of it
    dealt    the part of each site (`federator.shares`)                                        pure
    set      at all of them; where one refuses, the others get back what they had

What is shown is the sum of the parts, so it is what was set. Nothing of it is kept here: the sites are the
truth. Those where the project is not have no part.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
import structlog
from aiohttp import web

from federator import answer
from federator.asker import Question
from federator.call import Call, SiteReply
from federator.fanout import Fanout
from federator.faults import Conflict, NotFound, Unavailable
from federator.route import route
from federator.shares import Told, dealt, told_by
from idmap.notes import Notes

log = structlog.get_logger(__name__)

_LONGEST_SECONDS = 300
"""How long one who died in between keeps others from changing the same quotas."""


@dataclass(frozen=True, slots=True)
class Quotas:
    """Sets and resets quotas at many sites as one."""

    fanout: Fanout
    notes: Notes

    async def changed(self, question: Question, sites: Sequence[str]) -> web.Response:
        """The answer to a PUT or DELETE of quotas. Raises Fault; then all is as it was, or the fault says."""
        # What is last known of a site does for nobody who changes it.
        question = replace(question, strict=True)
        mark = f"quota:{question.call.service.type}:{question.call.path}"
        if not await self.notes.claim(mark, question.request_id.encode(), _LONGEST_SECONDS):
            raise Conflict("Somebody else is changing these quotas just now.")
        try:
            return await self._changed(question, sites)
        finally:
            await self.notes.delete(mark)

    async def _changed(self, question: Question, sites: Sequence[str]) -> web.Response:
        call, request_id = question.call, question.request_id
        replies = await self.fanout.ask_all(replace(question, call=_usage(call)), sites)
        there = [reply for reply in replies if not reply.nothing_there]
        if not there:
            raise NotFound("The project has not been at any site yet: log in with it once.")
        if away := [reply for reply in there if reply.missing]:
            raise Unavailable(f"{away[0].site} cannot be asked just now, and all have to be.")
        if refused := [reply for reply in there if not reply.ok]:
            return answer.one(refused[0], request_id)
        if call.method == "DELETE":
            done = await self.fanout.ask_all(question, [reply.site for reply in there])
            return answer.replicas(done, request_id)
        assert call.resource is not None
        told = {reply.site: told_by(_document(call, reply.body)) for reply in there}
        wanted = _document(call, call.body)
        parts = dealt(wanted if isinstance(wanted, dict) else {}, told, call.resource.lowest)
        if not parts:
            # There is nothing to deal out: the first site says what is wrong with that.
            return answer.one(await self.fanout.ask(question, there[0].site), request_id)
        done = await self._set(question, parts, told)
        if refused := [reply for reply in done if not reply.ok]:
            return answer.one(refused[0], request_id)
        return answer.merged(call, None, done, self.fanout.asker.public_base, request_id)

    async def _set(
        self,
        question: Question,
        parts: Mapping[str, Mapping[str, object]],
        told: Mapping[str, Told],
    ) -> list[SiteReply]:
        """What the sites say to their parts. Raises what kept any of them from saying something."""
        puts = (self.fanout.ask(_with(question, part), site) for site, part in parts.items())
        outcomes = await asyncio.gather(*puts, return_exceptions=True)
        done = [each for each in outcomes if isinstance(each, SiteReply) and each.ok]
        if len(done) < len(parts):
            for site in [reply.site for reply in done]:
                before = {name: told[site][name][0] for name in parts[site] if name in told[site]}
                await self._give_back(question, site, before)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return [each for each in outcomes if isinstance(each, SiteReply)]

    async def _give_back(self, question: Question, site: str, before: Mapping[str, int]) -> None:
        try:
            reply = await self.fanout.ask(_with(question, before), site)
            failed = "" if reply.ok else reply.missing or str(reply.status)
        except Exception as error:
            failed = str(error)
        if failed:
            log.error("quotas are not as they were", site=site, were=before, reason=failed)


def _usage(call: Call) -> Call:
    """The question what is allowed and used now, beside a call that changes it."""
    assert call.resource is not None
    path, _, query = f"{call.path}{call.resource.usage}".partition("?")
    version = call.service.version
    asked = route(call.service, "GET", version + path, query=query, headers=call.headers)
    assert asked is not None
    return asked


def _document(call: Call, body: Any) -> Any:
    assert call.resource is not None
    return body.get(call.resource.key) if isinstance(body, dict) else None


def _with(question: Question, part: Mapping[str, object]) -> Question:
    """The same question with these quotas in its body."""
    call = question.call
    assert call.resource is not None
    body = {call.resource.key: dict(part)}
    return replace(question, call=replace(call, body=body, raw=orjson.dumps(body)))
