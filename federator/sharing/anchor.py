"""Changes and deletions of what is at several sites: by the caller's own token, at the anchor.

So Neutron's own policy, quota and errors are the caller's. Then the desired state says the same, and the
daemons take it to the other sites. If this process dies between the two, the daemon of the anchor finds out how
it ended (`sync.unfinished`).
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import orjson
from aiohttp import web

from adapters.transit import without_transit
from federator import answer
from federator.asker import Question
from federator.faults import Conflict, Fault, Unavailable
from federator.sharing.care import Care
from federator.sharing.closure import Closure, Member
from federator.sharing.deletion import Deletion
from federator.sharing.fitness import Fit, Fitness
from federator.sharing.outcome import made, may_be_done
from federator.sharing.plugging import Plugging
from federator.sharing.pools import new_pools, with_pools, without_pools
from federator.sharing.reader import Reader
from federator.sharing.wanted import Wanted
from idmap.desired import Desired
from sync.kinds.subnet import POOLS
from sync.registry import kind_of


@dataclass(frozen=True, slots=True)
class Anchor:
    """Does at the anchor what a caller wants done to a shared object."""

    wanted: Wanted
    reader: Reader
    plugging: Plugging
    fitness: Fitness
    seconds: float
    """How long a request waits for the daemon of an anchor, or for what is about to be out of its way."""

    @property
    def care(self) -> Care:
        """What comes to more sites by a change."""
        return Care(self.wanted, self.reader, self.fitness)

    @property
    def deletion(self) -> Deletion:
        """What is done to delete something."""
        return Deletion(self.wanted, self.reader, self.fitness.apart, self.seconds)

    async def change(self, question: Question, site: str) -> web.Response:
        """The anchor's answer. Raises Fault."""
        call = question.call
        await self._may_be_changed(question)
        if call.is_create and not question.where.path:
            reply = await self.reader.fanout.ask(question, site)
            if reply.ok:
                with made(question, site):
                    await self.care.new_part(question, site, reply)
            return answer.one(reply, question.request_id)
        path = question.where.path
        global_id = next((ref for ref in path if ref in question.where.anchors), next(iter(path)))
        if call.method == "DELETE" and not call.tail and call.object_id == global_id:
            reply = await self.deletion.delete(question, site, global_id)
            return answer.one(reply, question.request_id)
        return await self._update(question, site, global_id)

    async def _may_be_changed(self, question: Question) -> None:
        """Raises Unavailable, or Conflict for what is in quarantine: only as a whole can that be deleted."""
        call, where = question.call, question.where
        shared = [ref for ref in (*where.path, *where.body) if ref in where.anchors]
        for entry in (await self.wanted.known(shared)).values():
            if not entry.quarantined or entry.deleted:
                continue
            if entry.anchor in entry.unread:
                raise Unavailable(f"{entry.global_id}: {entry.quarantined}.")
            if call.method != "DELETE" or call.tail or call.object_id != entry.global_id:
                raise Conflict(f"{entry.global_id} is in quarantine: {entry.quarantined}.")

    async def _update(self, question: Question, site: str, global_id: str) -> web.Response:
        await self._with_policy(question, global_id)
        fit = Fit()
        if question.call.plugs_in:
            fit = await self.fitness.for_router(question)
            # A network that was made fit may have been made again.
            question = await self.reader.located(question)
        ask = self.plugging.ask if question.call.plugs_in else self.reader.fanout.ask
        begun = await self.wanted.begin_change(global_id)
        async with self.wanted.asking(begun):
            pools = new_pools(question.call.body, begun.spec) if begun is not None else None
            asked = question if pools is None else without_pools(question)
            whole = await self._with_ways(asked, site, begun)
            plugged = await self._begin_interfaces(question, begun)
            async with self.wanted.asking(*plugged):
                reply = await ask(whole, site)
                if reply.status == 400 and b"InvalidRoutes" in reply.raw and whole is not asked:
                    # They may lead over what is there no more; or it is the tenant's own that are wrong.
                    reply = await ask(asked, site)
        if begun is not None and not may_be_done(reply):
            member = await self.care.as_it_is(question, begun, site) if reply.ok else None
            if member is not None and pools is not None:
                member = replace(member, item={**member.item, POOLS: pools})
                reply = with_pools(reply, pools)
            await self.wanted.end_change(begun, member)
            await self._end_interfaces(plugged, question, begun, changed=reply.ok)
        if reply.ok and pools is not None:
            with suppress(Fault):
                # Until the anchor says so itself: who reads next is to read what he has written.
                await self.wanted.wait([global_id], [site], self.seconds)
        if reply.ok and question.call.plugs_in:
            with made(question, site):
                await self.care.follow(question, "router", global_id, fit.stay)
        if reply.ok and (question.call.plugs_in or question.call.unplugs or whole is not asked):
            # Routers of other sites may lead there from now on, or no more.
            await self.wanted.store.wake([site])
        return answer.one(reply, question.request_id)

    async def _with_ways(self, question: Question, site: str, router: Desired | None) -> Question:
        """A list of routes overwrites all: those that the federation needs are added to it."""
        call, body = question.call, question.call.body
        fields = body.get("router") if isinstance(body, dict) and not call.tail else None
        if router is None or router.kind != "router" or not isinstance(fields, dict):
            return question
        routes = fields.get("routes")
        if not isinstance(routes, list) or not all(isinstance(each, dict) for each in routes):
            return question
        wanted = replace(router, spec={**router.spec, "routes": routes})
        ways = await self.fitness.apart.ways(wanted, site)
        new = {"router": {**fields, "routes": [*without_transit(routes), *ways]}}
        return replace(question, call=replace(call, body=new, raw=orjson.dumps(new)))

    async def _with_policy(self, question: Question, global_id: str) -> None:
        """A QoS policy that something shared is to have from now on has to be wherever that is."""
        call, where = question.call, question.where
        policies = [ref for ref in where.body if where.kinds.get(ref) == "policy"]
        if not policies or call.tail or call.object_id != global_id:
            return
        entry = (await self.wanted.known([global_id])).get(global_id)
        for ref in policies if entry is not None else ():
            assert entry is not None
            closure = Closure(self.reader, question.identity, question.request_id, entry.sites)
            if entry.sites - where.body[ref].keys():
                await closure.add("policy", ref)
                await self.wanted.at(closure.members.values(), entry.sites)

    async def _begin_interfaces(self, question: Question, router: Desired | None) -> list[Desired]:
        """The interfaces of a router that is plugged in or unplugged: from now on no daemon touches them.

        One of IPv6 may get or lose an address by it, and be there before and afterwards.
        """
        resource, begun = question.call.resource, list[Desired]()
        if router is None or resource is None or resource.plug is None:
            return begun
        try:
            for entry in await self.wanted.store.naming([router.global_id]):
                if entry.kind != "router_interface" or entry.anchor != router.anchor:
                    continue
                if entry.spec["device_id"] == router.global_id:
                    now = await self.wanted.begin_change(entry.global_id)
                    begun += [now] if now is not None else []
        except BaseException:
            for each in begun:
                await self.wanted.end_change(each)
            raise
        return begun

    async def _end_interfaces(
        self, begun: Sequence[Desired], question: Question, router: Desired, *, changed: bool
    ) -> None:
        """They are as the anchor shows them now; what it says is not there is gone."""
        there: dict[str, Any] = {}
        site = router.anchor
        if begun and changed:
            path = f"/ports?device_id={router.global_id}"
            body = await self.reader.body(path, site, question.identity, question.request_id)
            there = {str(port["id"]): port for port in body["ports"]}
        for entry in begun:
            port, gone = there.get(entry.global_id), False
            if port is None and changed and site not in router.drained:
                # A list may be shorter than it should be, and what is buried is gone everywhere.
                path, identity = f"/ports/{entry.global_id}", question.identity
                reply = await self.reader.reply(path, site, identity, question.request_id)
                gone = reply.status == 404 and not reply.missing
                if not (gone or reply.ok):
                    # The daemon of the anchor will look.
                    continue
                port = reply.body["port"] if reply.ok else None
            if gone:
                await self.wanted.bury(entry)
            elif port is None:
                await self.wanted.end_change(entry)
            else:
                item = {**port, "project_id": entry.project}
                await self.wanted.end_change(entry, Member(kind_of(entry.kind), item, site))
