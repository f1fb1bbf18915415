"""Networks are made fit for further sites before anything that belongs together with them goes there.

A router that comes to a site without one of its networks, and without a way to it, swallows what is sent there;
so whether all of them can be stretched is found out first. Only the daemons of their anchors can tell: they are
asked by writing down that these networks are wanted there. What cannot be stretched is taken back, or else the
next router that it is plugged into would be taken along to where it never comes. It stays where it is, if the
router can lead there (`federator.sharing.apart`).
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import monotonic

from federator.asker import Question
from federator.faults import Conflict, Unavailable
from federator.sharing.apart import Apart, along
from federator.sharing.closure import Closure, Member
from federator.sharing.reader import Reader
from federator.sharing.wanted import Wanted
from idmap.desired import Desired, State, Status
from sync.driver import SEGMENT

_LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Fit:
    """What comes of a router that is plugged in."""

    stay: frozenset[str] = frozenset()
    """The networks that stay where they are."""
    going: Sequence[Member] = ()
    """What goes where the router goes, if it is going to be at several sites."""
    at: str = ""
    """The site of what it is plugged into, if that is among what stays."""


@dataclass(frozen=True, slots=True)
class Fitness:
    """Asks the daemons of anchors. Every method may raise StoreUnavailable."""

    wanted: Wanted
    reader: Reader
    apart: Apart
    seconds: float
    """How long they are waited for."""

    async def for_router(self, question: Question) -> Fit:
        """A router is plugged in, and is going to be wherever one of its networks is: with all of them, but for
        those that stay where they are.

        Raises Conflict or BadRequest if that cannot be, Unavailable if nobody can tell now.
        """
        where, identity, request_id = question.where, question.identity, question.request_id
        parts = [("router", ref) for ref in where.path]
        new = [ref for ref, kind in where.kinds.items() if kind == "subnet"]
        for ref in [ref for ref, kind in where.kinds.items() if kind == "port" and where.body[ref]]:
            site = next(iter(where.body[ref]))
            body = await self.reader.body(f"/ports/{ref}", site, identity, request_id)
            new += [str(each["subnet_id"]) for each in body["port"]["fixed_ips"]]
        parts += [("subnet", ref) for ref in new]
        sites = set[str]()
        known = await self.wanted.store.get([ref for _, ref in parts])
        for kind, ref in parts:
            if (entry := known.get(ref)) is not None:
                sites |= entry.sites
            else:
                places = await self.reader.locator.places(kind, [ref], identity)
                sites |= places.get(ref, {}).keys()
        if len(sites) < 2:
            return Fit()
        closure = Closure(self.reader, identity, request_id, frozenset(sites))
        for kind, ref in parts:
            await closure.add(kind, ref)
        members = list(closure.members.values())
        try:
            going = await self.first(members, sites, new=new)
        except Conflict as error:
            raise Conflict(
                f"The router would have to be at {' and '.join(sorted(sites))} with all its networks."
                f" {error.message}. What cannot be at several sites needs a router of its own site."
            ) from None
        staying = [each for each in members if each not in going]
        at = {each.anchor for each in staying if each.global_id in new}
        stay = frozenset(each.global_id for each in staying if each.kind.stretch)
        return Fit(stay, going, next(iter(at), ""))

    async def first(
        self,
        members: Iterable[Member],
        sites: Collection[str],
        needed: Collection[str] = (),
        new: Collection[str] = (),
    ) -> list[Member]:
        """All of these are going to be at these sites, too; at their anchors they may have other local IDs now.

        Gives those that are: to a network that cannot be a router may lead from elsewhere, if it is not among
        the `needed`. `new` are the subnets that the router is being plugged into.

        Raises Conflict with why one of the networks cannot be, Unavailable if nobody can tell now.
        """
        members = list(members)
        stay = await self.apart.known(members) - set(needed)
        known = await self.wanted.store.get([member.global_id for member in members])
        asked = [each for each in members if each.kind.stretch and each.global_id not in stay]
        asked = [each for each in asked if not _is_coming(each, known, sites)]
        unfit = await self._asked(asked, members, known, sites) if asked else {}
        plugged = {str(m.item["network_id"]) for m in members if m.kind.name == "router_interface"}
        plugged |= {str(m.item["network_id"]) for m in members if m.global_id in new}
        why = "".join(
            f"Network {gid} cannot be at several sites: {reason}" for gid, reason in unfit.items()
        )
        if unfit.keys() - (plugged - set(needed)):
            raise Conflict(why)
        stay |= unfit.keys()
        try:
            await self.apart.check(members, stay, sites, new)
        except Conflict as error:
            raise Conflict(". ".join(filter(None, [why, error.message]))) from None
        return along(members, stay)

    async def checked(self, members: Sequence[Member], sites: Collection[str]) -> Sequence[Member]:
        """Those of these that go to these sites. What belongs to them may be more than was asked about before:
        somebody else may have plugged their router in meanwhile. Raises as `first`."""
        known = await self.wanted.store.get([member.global_id for member in members])
        networks = [each for each in members if each.kind.stretch]
        if all(_is_coming(each, known, sites) for each in networks):
            return members
        return await self.first(members, sites)

    async def _asked(
        self,
        asked: Sequence[Member],
        members: Sequence[Member],
        known: Mapping[str, Desired],
        sites: Collection[str],
    ) -> Mapping[str, str]:
        """Which of the networks that are `asked` for cannot be at these sites, and why. All others can."""
        networks = {member.global_id for member in asked}
        # A network that is made again needs its parts, and its policy.
        first = {name for each in asked for name in each.kind.after}
        parts = [m for m in members if m.kind.takers(m.item) & networks or m.kind.name in first]
        every = [*asked, *parts]
        while True:
            unfit = await self._unfit(networks, every, sites)
            if all([await self._taken_back(gid, every, known) for gid in unfit]):
                break
        # With other local IDs than before, where they were made again.
        for member in along(every, unfit):
            await self.wanted.wait([member.global_id], [member.anchor], self.seconds)
        return unfit

    async def _unfit(
        self, networks: Collection[str], members: Collection[Member], sites: Collection[str]
    ) -> Mapping[str, str]:
        """Which of the networks among these cannot be stretched, and why; else all others are by then.

        Raises Unavailable.
        """
        end = monotonic() + self.seconds
        await self.wanted.at(members, sites)
        while True:
            entries = await self.wanted.store.get(networks)
            unfit, lacking = dict[str, str](), list[Desired]()
            for gid, entry in entries.items():
                status = (await self.wanted.store.statuses(entry.anchor, [gid])).get(gid)
                if status is not None and _is_unfit(status):
                    unfit[gid] = status.error
                elif not _is_fit(entry, status):
                    lacking.append(entry)
            silent = [e.anchor for e in lacking if not await self.wanted.store.led(e.anchor)]
            late = monotonic() > end
            if not lacking or (unfit and (silent or late)):
                # What is not known yet is waited for once more, when the others have been taken back.
                return unfit
            what = f"whether network {lacking[0].global_id} can be at several sites"
            if silent:
                raise Unavailable(
                    f"Nobody can tell {what}: no daemon of {silent[0]} is running (federator sync)."
                )
            if late:
                raise Unavailable(f"It is not known yet {what}; try again.")
            if any(not each.sites >= set(sites) for each in lacking):
                # Somebody else had his answer, and took them back before it was seen here.
                await self.wanted.at(members, sites)
            await asyncio.sleep(_LOOK_SECONDS)

    async def _taken_back(
        self, network: str, members: Iterable[Member], known: Mapping[str, Desired]
    ) -> bool:
        """A network and its parts are wanted nowhere else than before. False: what was in its way is gone, and
        somebody else may have been told so; then all stays wanted.

        Somebody else may have taken them back already, or want them again: the network goes and comes first.
        """
        store, been = self.wanted.store, known.get(network)
        # Without a VLAN ID it has never been elsewhere, whoever wanted it there and died over it.
        before = known if been is not None and SEGMENT in been.spec else {}
        own = [m for m in members if network in {m.global_id, *m.kind.takers(m.item)}]
        for member in sorted(own, key=lambda each: each.global_id != network):
            gid = member.global_id
            sites = before[gid].sites if gid in before else frozenset({member.anchor})
            while True:
                entries = await store.get({gid, network})
                now, whole = entries.get(gid), entries.get(network)
                if now is None or now.deleted or now.sites <= sites:
                    break
                if gid == network:
                    status = (await store.statuses(now.anchor, [network])).get(network)
                    if status is None or not _is_unfit(status):
                        return False
                elif whole is not None and not whole.sites <= sites:
                    return True
                if await store.put(replace(now, sites=now.sites & sites)) is not None:
                    await store.wake(now.sites)
                    break
        return True


def _is_coming(member: Member, known: Mapping[str, Desired], sites: Collection[str]) -> bool:
    """Whether a network is on its way to all of these already, or there."""
    entry = known.get(member.global_id)
    return entry is not None and SEGMENT in entry.spec and entry.sites >= {member.anchor, *sites}


def _is_unfit(status: Status) -> bool:
    """Whether the daemon of its anchor says that a network cannot be stretched."""
    return status.state is State.ERROR and not status.generation


def _is_fit(entry: Desired, status: Status | None) -> bool:
    """Whether the daemon of its anchor has chosen how it is stretched, and has done it there."""
    if SEGMENT not in entry.spec or status is None or status.generation < entry.generation:
        return False
    return status.state in (State.READY, State.DRIFT)
