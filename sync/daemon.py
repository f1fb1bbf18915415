"""When there is a round: after a wake, when something is due again, and every few minutes in any case.

Two daemons of one site elect one; the other waits until the first has resigned, or has not been heard of for
`LEAD_SECONDS`. A site that cannot be looked at is looked at again, later and later; what it lacks is parked,
nothing forgotten.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

import structlog

from adapters.errors import SiteUnreachable
from idmap.desired import DesiredStore, Leadership, NotLeading, State
from idmap.store import StoreUnavailable
from sync.cloud import Refused
from sync.pools import Unread
from sync.round import Round

log = structlog.get_logger(__name__)

LEAD_SECONDS = 15.0
_LOOKS = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds between the looks at ports after a wake: a server's are made a while after it is asked for."""
LONGEST_ABSENCE = 30.0
"""Seconds between the looks at a site that is away: so soon it is noticed that it is back."""
MOST_ROUNDS_AT_ONCE = 20
"""Rounds after each other that each found something new to do; then others get their turn."""


@dataclass(frozen=True, slots=True)
class Daemon:
    """The one who keeps a site alike. `audit_seconds` lie at most between two rounds."""

    round: Round
    store: DesiredStore
    audit_seconds: float
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Once it is set `run` ends, after the call to the site that is under way: the next daemon must not look
    at a site at which something is still being made."""

    @property
    def site(self) -> str:
        return self.round.site

    async def run(self) -> None:
        """Until told to stop."""
        while not self.stopping.is_set():
            try:
                async with self.store.lead(self.site, LEAD_SECONDS) as lead:
                    if lead is not None:
                        log.info("leads", site=self.site)
                        async with self._resigning(lead):
                            await self.lead(lead)
                        log.warning("leads no more", site=self.site)
            except StoreUnavailable as error:
                log.warning("no desired state", site=self.site, why=str(error))
            except NotLeading:
                log.warning("leads no more", site=self.site)
            with suppress(TimeoutError):
                pause = LEAD_SECONDS / 5 * random.uniform(0.5, 1.5)
                await asyncio.wait_for(self.stopping.wait(), pause)

    @asynccontextmanager
    async def _resigning(self, lead: Leadership) -> AsyncIterator[None]:
        """While this lasts the leader resigns as soon as he is told to stop."""

        async def resign() -> None:
            await self.stopping.wait()
            lead.resigned = True
            # He may be waiting for a wake. If there is none to be had, his waiting fails as well.
            with suppress(StoreUnavailable):
                await self.store.wake([self.site])

        waiting = asyncio.create_task(resign())
        try:
            yield
        finally:
            waiting.cancel()

    async def lead(self, lead: Leadership) -> None:
        """Round after round, as long as this daemon is the one."""
        wake = woken = await self.store.woken(self.site, "", 0)
        failures, reserved = 0, False
        looks: Sequence[float] = ()
        while lead.held:
            try:
                if not reserved:
                    await self.round.reserve(lead)
                    reserved = True
                soon = await self._rounds(lead)
                failures, pause = 0, await self._pause(soon)
            except (SiteUnreachable, Refused, Unread) as error:
                # Wakes come thick and fast while tenants are at work: they are no reason to wait longer.
                failures += wake == woken
                pause = min(LONGEST_ABSENCE, 2.0**failures) * random.uniform(0.5, 1.0)
                why = getattr(error, "reason", str(error))
                log.warning("no round", site=self.site, why=why, next_in=round(pause, 1))
                await self._park(why, lead)
            if not lead.held:
                # Told to stop while it was at work: if Redis was away just then, no wake says so.
                return
            wake, woken = await self._rest(lead, wake, pause, looks), wake
            looks = _LOOKS if wake != woken else ()

    async def _rest(self, lead: Leadership, wake: str, pause: float, looks: Sequence[float]) -> str:
        """Wait for a wake or until the pause is over, and look for new ports. See `DesiredStore.woken`."""
        for seconds in looks:
            now = await self.store.woken(self.site, wake, min(pause, seconds))
            pause -= seconds
            if now != wake or pause <= 0 or not lead.held:
                return now
            try:
                await self.round.placeholders.keep(lead)
            except (SiteUnreachable, Refused) as error:
                # Whether it is away the next round will say.
                log.info("no look at ports", site=self.site, why=str(error))
        return await self.store.woken(self.site, wake, pause)

    async def _rounds(self, lead: Leadership) -> float | None:
        """Rounds until nothing new is to be done; in how many seconds something is."""
        for _ in range(MOST_ROUNDS_AT_ONCE):
            done = await self.round.run(lead)
            for line in done.plan.refused:
                log.error("refused", site=self.site, what=line)
            if not done.again or not lead.held:
                return done.soon
        return 0

    async def _pause(self, soon: float | None) -> float:
        """Until something is due again."""
        now = time.time()
        due = [each.next_try for each in (await self.store.statuses(self.site)).values()]
        soonest = min((at for at in due if at), default=now + self.audit_seconds)
        pause = min(self.audit_seconds, soonest - now, self.audit_seconds if soon is None else soon)
        return max(0.2, pause)

    async def _park(self, why: str, lead: Leadership) -> None:
        statuses = await self.store.statuses(self.site)
        waiting = {
            gid: replace(status, state=State.PARKED, error=why)
            for gid, status in statuses.items()
            if status.state in (State.PENDING, State.ERROR)
        }
        await self.store.put_statuses(self.site, waiting, lead.fence)
