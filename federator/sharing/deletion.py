"""A shared object is deleted at its anchor, by the caller's own token, if nothing uses it at any of its sites.

What only stands for something of another site, or leads there, is no use that a tenant knows of: it is out of
the way soon, and waited for.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

from federator.asker import Question
from federator.call import SiteReply
from federator.faults import Conflict, Unavailable
from federator.sharing.apart import Apart
from federator.sharing.outcome import may_be_done
from federator.sharing.ports import error_type
from federator.sharing.reader import Reader
from federator.sharing.wanted import Wanted
from idmap.desired import Desired
from sync.kind import Kind
from sync.kinds.router_interface import OWNERS
from sync.registry import kind_of

_LOOK_SECONDS = 0.5
_OURS = frozenset({*OWNERS, "network:dhcp", "network:router_centralized_snat"})
"""Whose ports are no reason to keep a network: they come and go with it."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """Deletes shared objects."""

    wanted: Wanted
    reader: Reader
    apart: Apart
    seconds: float
    """How long a request waits for what is about to be out of its way."""

    async def delete(self, question: Question, site: str, global_id: str) -> SiteReply:
        """What the anchor answers. Raises Fault."""
        entry = (await self.wanted.store.get([global_id])).get(global_id)
        if entry is not None:
            await self._in_use_nowhere(question, entry)
        begun = await self.wanted.begin_change(global_id)
        end = monotonic() + self.seconds
        async with self.wanted.asking(begun):
            reply = await self.reader.fanout.ask(question, site)
            while entry is not None and await self._soon_free(question, entry, reply, end):
                reply = await self.reader.fanout.ask(question, site)
        if begun is not None and not may_be_done(reply):
            if reply.ok:
                await self.wanted.bury(begun)
            else:
                await self.wanted.end_change(begun)
        return reply

    async def _in_use_nowhere(self, question: Question, entry: Desired) -> None:
        """Raises Conflict if something is plugged in at another site, Unavailable if nobody can know."""
        kind = kind_of(entry.kind)
        if not kind.users:
            return
        sites = entry.sites - {entry.anchor}
        if entry.kind == "router":
            # Elsewhere it is plugged into what it is plugged into here, but for what stays there.
            sites &= await self.apart.owners(entry)
        for site in sorted(sites):
            ports = await self._users(question, kind, entry, site)
            if ports := [each for each in ports if self._keeps(kind, each)]:
                raise _in_use(kind, entry, site, ports)

    def _keeps(self, kind: Kind, port: Mapping[str, Any]) -> bool:
        """Whether a port is a reason to keep what it uses; others come and go with that."""
        if kind.name == "router":
            return self.reader.locator.shared("port", str(port["id"])) is None
        return port.get("device_owner") not in _OURS

    async def _users(self, question: Question, kind: Kind, entry: Desired, site: str) -> list[Any]:
        """The ports that use it at a site. Raises Unavailable."""
        path = f"/ports?{kind.users}{entry.global_id}"
        identity, request_id = question.identity, question.request_id
        reply = await self.reader.reply(path, site, identity, request_id, strict=False)
        if reply.nothing_there:
            return []
        if reply.missing or not isinstance(reply.body, dict) or "ports" not in reply.body:
            reason = reply.missing or f"it answers {reply.status}"
            raise Unavailable(f"Whether it is in use at {site} cannot be known: {reason}.")
        return list(reply.body["ports"])

    async def _soon_free(
        self, question: Question, entry: Desired, reply: SiteReply, end: float
    ) -> bool:
        """Whether to ask the anchor again, which says that it is in use: a port elsewhere has just gone, and
        what stood for it here has not yet. Not after the `end`. Raises Unavailable."""
        if monotonic() > end or not await self._only_placeholders(question, entry, reply):
            return False
        await self.wanted.store.wake(entry.sites)
        await asyncio.sleep(_LOOK_SECONDS)
        return True

    async def _only_placeholders(
        self, question: Question, entry: Desired, reply: SiteReply
    ) -> bool:
        """Whether it is said to be in use, and nothing uses it there that the tenant can see."""
        kind = kind_of(entry.kind)
        if reply.status != 409 or not kind.users or b"InUse" not in reply.raw:
            return False
        if kind.name == "router" and not await self._is_only_led(entry, reply):
            return False
        ports = await self._users(question, kind, entry, reply.site)
        return all(each.get("device_owner") == "network:dhcp" for each in ports)

    async def _is_only_led(self, router: Desired, reply: SiteReply) -> bool:
        """Whether a router may be in use for its ways to other sites alone, which are about to go.

        Raises Unavailable if nobody is at work who would tell that they are not needed any more.
        """
        apart = self.apart
        if error_type(reply) != "RouterInUse" or not await apart.has_ways(router, reply.site):
            return False
        for site in sorted({reply.site, *await apart.owners(router)}):
            if not await self.wanted.store.led(site):
                raise Unavailable(
                    f"Its ways to other sites have to go first: no daemon of {site} is running"
                    " (federator sync)."
                )
        return True


def _in_use(kind: Kind, entry: Desired, site: str, ports: list[Any]) -> Conflict:
    noun = kind.name.replace("_", " ")
    ids = ", ".join(str(each.get("id")) for each in ports[:10])
    return Conflict(
        f"Unable to complete operation on {noun} {entry.global_id}. There are one or more ports still in use at"
        f" {site}, id for these ports is {ids}.",
        title=f"{noun.title().replace(' ', '')}InUse",
    )
