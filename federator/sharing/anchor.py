"""Changes and deletions of what is at several sites: by the caller's own token, at the anchor.

So Neutron's own policy, quota and errors are the caller's. Then the desired state says the same, and the
daemons take it to the other sites. If this process dies between the two, the daemon of the anchor finds out how
it ended (`sync.unfinished`).
"""

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

import orjson
from aiohttp import web

from adapters.transit import without_transit
from federator import answer
from federator.asker import Question
from federator.call import SiteReply
from federator.faults import Conflict, Fault, NotFound, Timeout, Unavailable
from federator.merge import made_of
from federator.sharing.apart import along
from federator.sharing.closure import Closure, Member
from federator.sharing.fitness import Fit, Fitness
from federator.sharing.plugging import Plugging
from federator.sharing.pools import new_pools, with_pools, without_pools
from federator.sharing.ports import error_type
from federator.sharing.reader import Reader
from federator.sharing.wanted import Wanted
from idmap.desired import Desired
from idmap.store import StoreUnavailable
from sync.kind import Kind
from sync.kinds.router_interface import OWNERS
from sync.kinds.subnet import POOLS
from sync.registry import kind_of
from sync.share import changed

_LOOK_SECONDS = 0.5
_OURS = frozenset({*OWNERS, "network:dhcp", "network:router_centralized_snat"})
"""Whose ports are no reason to keep a network: they come and go with it."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """Does at the anchor what a caller wants done to a shared object."""

    wanted: Wanted
    reader: Reader
    plugging: Plugging
    fitness: Fitness
    seconds: float
    """How long a request waits for the daemon of an anchor, or for placeholders to be out of its way."""

    async def change(self, question: Question, site: str) -> web.Response:
        """The anchor's answer. Raises Fault."""
        call = question.call
        await self._may_be_changed(question)
        if call.is_create and not question.where.path:
            reply = await self.reader.fanout.ask(question, site)
            if reply.ok:
                with made(question, site):
                    await self._new_part(question, site, reply)
            return answer.one(reply, question.request_id)
        path = question.where.path
        global_id = next((ref for ref in path if ref in question.where.anchors), next(iter(path)))
        if call.method == "DELETE" and not call.tail and call.object_id == global_id:
            return await self._delete(question, site, global_id)
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
        begun = await self.wanted.begin_change(global_id)
        try:
            pools = new_pools(question.call.body, begun.spec) if begun is not None else None
        except Fault:
            if begun is not None:
                await self.wanted.end_change(begun)
            raise
        plugged = await self._begin_interfaces(question, begun)
        asked = question if pools is None else without_pools(question)
        whole = await self._with_ways(asked, site, begun)
        reply = await self._asked(whole, site, begun, *plugged)
        if reply.status == 400 and b"InvalidRoutes" in reply.raw and whole is not asked:
            # They may lead over what is there no more; or it is the tenant's own that are wrong.
            reply = await self._asked(asked, site, begun, *plugged)
        if begun is not None and not _may_be_done(reply):
            member = await self._as_it_is(question, begun, site) if reply.ok else None
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
            await self.follow(question, "router", global_id, fit.stay)
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

    async def _delete(self, question: Question, site: str, global_id: str) -> web.Response:
        entry = (await self.wanted.store.get([global_id])).get(global_id)
        if entry is not None:
            await self._in_use_nowhere(question, entry)
        begun = await self.wanted.begin_change(global_id)
        reply = await self._asked(question, site, begun)
        end = monotonic() + self.seconds
        while entry is not None and await self._soon_free(question, entry, reply, begun, end):
            reply = await self._asked(question, site, begun)
        if begun is not None and not _may_be_done(reply):
            if reply.ok:
                await self.wanted.bury(begun)
            else:
                await self.wanted.end_change(begun)
        return answer.one(reply, question.request_id)

    async def _asked(self, question: Question, site: str, *begun: Desired | None) -> SiteReply:
        try:
            ask = self.plugging.ask if question.call.plugs_in else self.reader.fanout.ask
            reply = await ask(question, site)
        except (Timeout, asyncio.CancelledError):
            # Nobody knows what was done: the daemon of the anchor will look.
            raise
        except BaseException:
            await self._end(*begun)
            raise
        return reply

    async def _end(self, *begun: Desired | None) -> None:
        for each in filter(None, begun):
            await self.wanted.end_change(each)

    async def _new_part(
        self, question: Question, site: str, reply: SiteReply, *, plain: bool = False
    ) -> None:
        """A part of a shared object is to be wherever the whole is. `plain`: the whole was none, as far as was
        known when it was asked for."""
        call = question.call
        assert call.resource is not None
        if not call.resource.part_of:
            return
        kind = kind_of(call.resource.kind)
        for item in made_of(call.resource, reply.body):
            whole = str(item[call.resource.part_of])
            entry = (await self.wanted.store.get([whole])).get(whole)
            if plain and entry is not None and (entry.deleted or entry.anchor != site):
                continue
            if entry is not None:
                belongs = {**item, "project_id": entry.project}
                await self.wanted.at([Member(kind, belongs, site)], entry.sites)
                await self.follow(question, entry.kind, whole)

    async def caught_up(self, question: Question, reply: SiteReply) -> None:
        """A site has done what was its own affair when it was asked. If the object has come into care since, it
        is to be so everywhere, or its daemon would undo it."""
        call, site, store = question.call, reply.site, self.wanted.store
        if call.is_create:
            await self._new_part(question, site, reply, plain=True)
            return
        for ref, places in question.where.path.items():
            global_id = self.reader.locator.shown(site, places[site])
            entry = (await store.get([global_id])).get(global_id)
            if entry is None or entry.deleted or entry.anchor != site:
                continue
            if call.method == "DELETE" and call.object_id == ref and not call.tail:
                await self.wanted.bury(entry)
            elif call.plugs_in:
                await self.follow(question, entry.kind, global_id)
            elif call.method == "PUT" and not call.tail and not entry.changing:
                now = await self._as_it_is(question, entry, site)
                new = changed(entry, now.kind, now.item)
                if new != entry and await store.put(new) is not None:
                    await store.wake(new.sites)

    async def follow(
        self, question: Question, kind: str, global_id: str, stay: Collection[str] = ()
    ) -> None:
        """What belongs to an object now is to be wherever the object is, and it wherever its belongings are.

        But for networks that `stay` where they are, or are known to.
        """
        near = await self.wanted.store.get({*question.where.anchors, global_id})
        to = frozenset(site for entry in near.values() for site in entry.sites)
        closure = Closure(self.reader, question.identity, question.request_id, to)
        await closure.add(kind, global_id)
        all_ = closure.members.values()
        members = along(all_, {*stay, *await self.fitness.apart.known(all_)})
        entries = await self.wanted.store.get([member.global_id for member in members])
        sites = {site for entry in entries.values() if not entry.deleted for site in entry.sites}
        if len(sites) > 1:
            going = await self.fitness.checked(members, sites)
            await self.bring(question, closure, going, sites, known=entries)

    async def bring(
        self,
        question: Question,
        closure: Closure,
        members: Collection[Member],
        sites: Collection[str],
        known: Collection[str] = (),
    ) -> list[str]:
        """These of what belongs together are to be at these sites, too. The global IDs of what is.

        Until that was written down they were an affair of their site alone, and others may have changed, made
        and deleted some of it since it was read. So what was not `known` to be in care is read once more; who
        changes something later finds it in care (`Sharing.answered`).
        """
        stay = {m.global_id for m in closure.members.values() if m.kind.stretch}
        stay -= {member.global_id for member in members}
        ids = await self.wanted.at(members, sites)
        new = [each for each in members if each.global_id not in known]
        while new:
            again = Closure(self.reader, question.identity, question.request_id, closure.to)
            entries = await self.wanted.store.get([each.global_id for each in new])
            for kind, global_id in closure.roots:
                with suppress(Conflict, NotFound):
                    # It may be gone itself.
                    await again.add(kind, global_id)
            for member in new:
                now = again.members.get(member.global_id)
                entry = entries.get(member.global_id)
                if entry is not None and await self._is_gone(question, entry, member, now):
                    ids.remove(member.global_id)
            more = [each for gid, each in again.members.items() if gid not in closure.members]
            new = list(await self.fitness.checked(along(more, stay), sites))
            ids += await self.wanted.at(new, sites) if new else []
            closure = again
        return ids

    async def _is_gone(
        self, question: Question, entry: Desired, before: Member, now: Member | None
    ) -> bool:
        """Whether it was deleted before it came into care. If it was changed it is wanted as it is `now`.

        The entry was read between the two looks: if it is not that any more, somebody has said so himself.
        """
        kind, store = before.kind, self.wanted.store
        if entry.deleted or entry.changing:
            return entry.deleted
        if now is None:
            path, identity = f"{kind.resource.path}/{entry.global_id}", question.identity
            reply = await self.reader.reply(path, entry.anchor, identity, question.request_id)
            if reply.status == 404 and not reply.missing:
                await self.wanted.bury(entry)
                return True
        elif kind.spec_of(now.item) != kind.spec_of(before.item):
            new = changed(entry, kind, {**now.item, "project_id": entry.project})
            if await store.put(new) is not None:
                await store.wake(new.sites)
        return False

    async def _as_it_is(self, question: Question, entry: Desired, site: str) -> Member:
        kind = kind_of(entry.kind)
        path = f"{kind.resource.path}/{entry.global_id}"
        body = await self.reader.body(path, site, question.identity, question.request_id)
        return Member(kind, {**body[kind.resource.key], "project_id": entry.project}, site)

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
            for each in (*begun, router):
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

    async def _in_use_nowhere(self, question: Question, entry: Desired) -> None:
        """Raises Conflict if something is plugged in at another site, Unavailable if nobody can know."""
        kind = kind_of(entry.kind)
        if not kind.users:
            return
        sites = entry.sites - {entry.anchor}
        if entry.kind == "router":
            # Elsewhere it is plugged into what it is plugged into here, but for what stays there.
            sites &= await self.fitness.apart.owners(entry)
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
        self,
        question: Question,
        entry: Desired,
        reply: SiteReply,
        begun: Desired | None,
        end: float,
    ) -> bool:
        """Whether to ask the anchor again, which says that it is in use: a port elsewhere has just gone, and
        what stood for it here has not yet. Not after the `end`. Raises Unavailable."""
        try:
            if monotonic() > end or not await self._only_placeholders(question, entry, reply):
                return False
            await self.wanted.store.wake(entry.sites)
            await asyncio.sleep(_LOOK_SECONDS)
        except BaseException:
            await self._end(begun)
            raise
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
        apart = self.fitness.apart
        if error_type(reply) != "RouterInUse" or not await apart.has_ways(router, reply.site):
            return False
        for site in sorted({reply.site, *await apart.owners(router)}):
            if not await self.wanted.store.led(site):
                raise Unavailable(
                    f"Its ways to other sites have to go first: no daemon of {site} is running"
                    " (federator sync)."
                )
        return True


def _may_be_done(reply: SiteReply) -> bool:
    """Whether nobody knows if a site has done what it gives an error for: the daemon of the anchor will look.

    Who says that there is nobody to do it has done nothing.
    """
    return reply.status >= 500 and reply.status != 503


@contextmanager
def made(question: Question, site: str) -> Iterator[None]:
    """A site has done what it was asked. What goes wrong from here on is no reason to ask for it again: of what
    is made there would be two. Raises Timeout."""
    try:
        yield
    except (StoreUnavailable, Unavailable) as error:
        raise Timeout(
            f"The site {site} has done it, and it is not known yet where else it is to be ({error})."
            f" Look before you repeat it ({question.request_id})."
        ) from error


def _in_use(kind: Kind, entry: Desired, site: str, ports: list[Any]) -> Conflict:
    noun = kind.name.replace("_", " ")
    ids = ", ".join(str(each.get("id")) for each in ports[:10])
    return Conflict(
        f"Unable to complete operation on {noun} {entry.global_id}. There are one or more ports still in use at"
        f" {site}, id for these ports is {ids}.",
        title=f"{noun.title().replace(' ', '')}InUse",
    )
