"""Which VLAN ID a router's transit network has: the daemon of the router's anchor chooses, and gives it back.

One of the same pool as those of networks that span sites, and written down beside them (`sync.numbers`). After
a loss of the store it is the one that the sites still have.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import structlog

from idmap.desired import READ, Desired, DesiredStore
from idmap.front import IdMap
from sync.news import told_vlans
from sync.numbers import SEGMENTS, for_transit, transits
from sync.segments import NoSegment, candidates
from sync.transit.wanted import is_needed
from sync.transit.words import Words, ends_of

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Numbers:
    """Chooses for the routers that have their anchor at one site. Every method may raise StoreUnavailable."""

    site: str
    ids: IdMap
    store: DesiredStore
    pool: range

    async def known(self) -> dict[str, int]:
        """Router -> the VLAN ID of its transit network."""
        return transits(await self.ids.store.documents(SEGMENTS, ""))

    async def chosen(
        self, routers: Iterable[Desired], words: Words, quiet: Mapping[str, Collection[str]]
    ) -> dict[str, int]:
        """The same, with those that are needed now and without those that are not any more.

        `quiet` is router -> the sites of which nobody knows what they have of it.
        """
        known = await self.known()
        unread = any(kind == READ for _, kind in await self.ids.missing_stamps())
        for router in routers:
            gid = router.global_id
            if router.anchor != self.site or router.quarantined or unread or quiet[gid]:
                # What is needed, or which one the sites still have, is not known.
                continue
            if is_needed(router, words) and gid not in known:
                if (number := await self._claimed(router, words)) is not None:
                    known[gid] = number
                    await self.store.wake(router.sites - {self.site})
            elif gid in known and not is_needed(router, words) and not _standing(router, words):
                number = known.pop(gid)
                await self.ids.store.disclaim_document(SEGMENTS, "", str(number), for_transit(gid))
        return known

    async def _claimed(self, router: Desired, words: Words) -> int | None:
        """One that its transit network still has, else one that nobody has."""
        found = await self._first_free(router, _standing(router, words))
        if found is not None:
            return found
        try:
            free = candidates(self.pool, None, sorted(router.sites), await told_vlans(self.store))
        except NoSegment as error:
            log.warning("no VLAN ID", id=router.global_id, why=str(error))
            return None
        return await self._first_free(router, free)

    async def _first_free(self, router: Desired, numbers: Iterable[int]) -> int | None:
        holder = for_transit(router.global_id)
        for number in numbers:
            if await self.ids.store.claim_document(SEGMENTS, "", str(number), holder):
                return number
        return None


def _standing(router: Desired, words: Words) -> list[int]:
    """The VLAN IDs that its transit network has at the sites."""
    known = {each.vlan for each in ends_of(words, router.global_id, router.sites).values()}
    return sorted(number for number in known if number is not None)
