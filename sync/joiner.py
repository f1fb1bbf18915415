"""Has what exists come to a site that joins, where everything is to be at all sites (see `sync.joining`)."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from idmap.desired import READ, Desired, DesiredStore, Leadership
from idmap.front import IdMap
from sync.joining import due
from sync.news import News, told_free
from sync.observe import Observed
from sync.share import at_more_sites

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Joiner:
    """One site's part: it tells the others what may come to them, and takes what may come to it."""

    site: str
    store: DesiredStore
    ids: IdMap
    news: News

    async def joined(
        self, desired: Sequence[Desired], observed: Observed, lead: Leadership
    ) -> list[Desired]:
        """The desired state after it; what is new in it is written down. Raises NotLeading."""
        await self.news.tell_free(desired, observed, lead)
        if any(kind == READ for _, kind in await self.ids.missing_stamps()):
            # What belongs together, and where it is to stay, is not known.
            return list(desired)
        after = {entry.global_id: entry for entry in desired}
        wake: set[str] = set()
        for entry in due(self.site, desired, await told_free(self.store)):
            joined = await self.store.put(at_more_sites(entry, [self.site]))
            if joined is not None:
                after[entry.global_id] = joined
                wake |= entry.sites
        if wake:
            log.info("joins", site=self.site, others=sorted(wake))
            await self.store.wake(wake)
        return list(after.values())
