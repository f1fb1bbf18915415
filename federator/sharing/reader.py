"""Asks a site in the name of the caller: with his token, and so with his rights. In global IDs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson
from multidict import CIMultiDict, CIMultiDictProxy

from adapters.identity import Identity
from adapters.spec import Service
from adapters.translate import shape
from federator.asker import Question
from federator.call import SiteReply
from federator.fanout import Fanout
from federator.faults import Conflict, Unavailable
from federator.locate import Locator
from federator.plan import NOWHERE
from federator.route import route

_JSON = CIMultiDictProxy(CIMultiDict({"Content-Type": "application/json"}))


@dataclass(frozen=True, slots=True)
class Reader:
    """Asks one site for the network service's objects."""

    network: Service
    fanout: Fanout
    locator: Locator

    async def reply(
        self,
        path: str,
        site: str,
        identity: Identity,
        request_id: str,
        *,
        strict: bool = True,
        method: str = "GET",
        body: Any = None,
    ) -> SiteReply:
        """What a site says to a request for a path below ``/v2.0``, with the query.

        Raises what `Fanout.ask` raises.
        """
        bare, _, query = path.partition("?")
        call = route(self.network, method, self.network.version + bare, query=query)
        assert call is not None
        assert call.resource is not None
        if body is not None:
            call = replace(call, body=body, raw=orjson.dumps(body), headers=_JSON)
        form = shape(self.network, call.resource)
        question = Question(call, form, identity, NOWHERE, request_id, strict)
        return await self.fanout.ask(await self.located(question), site)

    async def located(self, question: Question) -> Question:
        """A question with the whereabouts of its IDs as they are now."""
        where = await self.locator.whereabouts(question.call, question.shape, question.identity)
        return replace(question, where=where)

    async def body(
        self, path: str, site: str, identity: Identity, request_id: str
    ) -> Mapping[str, Any]:
        """The body of such an answer. Raises Unavailable, and Conflict if the caller may not see it."""
        reply = await self.reply(path, site, identity, request_id)
        if reply.missing:
            raise Unavailable(f"The site {site} cannot be asked: {reply.missing}.")
        if not reply.ok or not isinstance(reply.body, dict):
            raise Conflict(
                f"{path.partition('?')[0][1:]} at {site} cannot be read: {reply.status}."
            )
        return reply.body
