"""Networks are made fit for further sites before anything that belongs together with them goes there.

A router that comes to a site without one of its networks swallows what is sent there; so whether all of them
can be stretched is found out first. Only the daemons of their anchors can tell: they are asked by writing down
that these networks are wanted there. What cannot be stretched is taken back, or else the next router that it is
plugged into would be taken along to where it never comes.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from time import monotonic

from adapters.identity import Identity
from federator.faults import Conflict, Unavailable
from federator.plan import Whereabouts
from federator.sharing.closure import Closure, Member
from federator.sharing.reader import Reader
from federator.sharing.wanted import Wanted
from idmap.desired import Desired, State, Status
from sync.driver import SEGMENT

_LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Fitness:
    """Asks the daemons of anchors. Every method may raise StoreUnavailable."""

    wanted: Wanted
    reader: Reader
    seconds: float
    """How long they are waited for."""

    async def for_router(self, where: Whereabouts, identity: Identity, request_id: str) -> None:
        """A router is plugged in, and is going to be wherever one of its networks is, with all of them.

        Raises Conflict if one of them cannot be there, Unavailable if nobody can tell now.
        """
        parts = [("router", ref) for ref in where.path]
        parts += [(kind, ref) for ref, kind in where.kinds.items() if kind == "subnet"]
        for ref in [ref for ref, kind in where.kinds.items() if kind == "port" and where.body[ref]]:
            site = next(iter(where.body[ref]))
            body = await self.reader.body(f"/ports/{ref}", site, identity, request_id)
            parts.append(("network", str(body["port"]["network_id"])))
        sites = set[str]()
        known = await self.wanted.store.get([ref for _, ref in parts])
        for kind, ref in parts:
            if (entry := known.get(ref)) is not None:
                sites |= entry.sites
            else:
                places = await self.reader.locator.places(kind, [ref], identity)
                sites |= places.get(ref, {}).keys()
        if len(sites) < 2:
            return
        closure = Closure(self.reader, identity, request_id, frozenset(sites))
        for kind, ref in parts:
            await closure.add(kind, ref)
        try:
            await self.first(closure.members.values(), sites)
        except Conflict as error:
            raise Conflict(
                f"The router would have to be at {' and '.join(sorted(sites))} with all its networks."
                f" {error.message}. What cannot be at several sites needs a router of its own site."
            ) from None

    async def first(self, members: Iterable[Member], sites: Collection[str]) -> None:
        """All of these are going to be at these sites, too; at their anchors they may have other local IDs now.

        Raises Conflict with why one of the networks cannot be, Unavailable if nobody can tell now.
        """
        members = list(members)
        known = await self.wanted.store.get([member.global_id for member in members])
        new = [each for each in members if each.kind.stretch and not _is_coming(each, known, sites)]
        if not new:
            return
        networks = {member.global_id for member in new}
        # A network that is made again needs its parts, and its policy.
        before = {name for each in new for name in each.kind.after}
        along = [m for m in members if _wholes(m) & networks or m.kind.name in before]
        await self.wanted.at([*new, *along], sites)
        unfit = await self._unfit(networks)
        for global_id in unfit:
            own = [m for m in [*new, *along] if global_id in {m.global_id, *_wholes(m)}]
            been = known.get(global_id)
            # Without a VLAN ID it has never been elsewhere, whoever wanted it there and died over it.
            await self._take_back(own, known if been and SEGMENT in been.spec else {})
        for global_id, why in unfit.items():
            raise Conflict(f"Network {global_id} cannot be at several sites: {why}")
        # With other local IDs than before, where they were made again.
        for member in [*new, *along]:
            await self.wanted.wait([member.global_id], [member.anchor], self.seconds)

    async def _unfit(self, networks: Collection[str]) -> Mapping[str, str]:
        """Which of these cannot be stretched, and why; all others are. Raises Unavailable."""
        end = monotonic() + self.seconds
        while True:
            entries = await self.wanted.store.get(networks)
            unfit, lacking = dict[str, str](), list[Desired]()
            for gid, entry in entries.items():
                status = (await self.wanted.store.statuses(entry.anchor, [gid])).get(gid)
                if status is not None and status.state is State.ERROR and not status.generation:
                    unfit[gid] = status.error
                elif not _is_fit(entry, status):
                    lacking.append(entry)
            if unfit or not lacking:
                return unfit
            what = f"whether network {lacking[0].global_id} can be at several sites"
            for entry in lacking:
                if not await self.wanted.store.led(entry.anchor):
                    raise Unavailable(
                        f"Nobody can tell {what}: no daemon of {entry.anchor} is running (federator sync)."
                    )
            if monotonic() > end:
                raise Unavailable(f"It is not known yet {what}; try again.")
            await asyncio.sleep(_LOOK_SECONDS)

    async def _take_back(self, members: Iterable[Member], before: Mapping[str, Desired]) -> None:
        """These are wanted nowhere else than before; somebody else may have taken them back already."""
        for member in members:
            gid = member.global_id
            sites = before[gid].sites if gid in before else frozenset({member.anchor})
            now = (await self.wanted.store.get([gid])).get(gid)
            while now is not None and not now.deleted and not now.sites <= sites:
                if await self.wanted.store.put(replace(now, sites=now.sites & sites)) is not None:
                    await self.wanted.store.wake(now.sites)
                    break
                now = (await self.wanted.store.get([gid])).get(gid)


def _is_coming(member: Member, known: Mapping[str, Desired], sites: Collection[str]) -> bool:
    """Whether a network is on its way to all of these already, or there."""
    entry = known.get(member.global_id)
    return entry is not None and SEGMENT in entry.spec and entry.sites >= {member.anchor, *sites}


def _wholes(member: Member) -> set[str]:
    """What it is deleted with: a subnet's network."""
    return {str(member.item.get(name)) for name in member.kind.goes_with}


def _is_fit(entry: Desired, status: Status | None) -> bool:
    """Whether the daemon of its anchor has chosen how it is stretched, and has done it there."""
    if SEGMENT not in entry.spec or status is None or status.generation < entry.generation:
        return False
    return status.state in (State.READY, State.DRIFT)
