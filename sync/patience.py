"""Since when a process sees things as they are: all that is remembered between two rounds of `sync.pools`.

By a clock that never jumps, and nowhere else: what one process has waited for counts for no other, and whoever
begins anew waits anew. So no clock that goes wrong can make a wait shorter.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from sync.ipam.ledger import Ledger
from sync.ipam.ranges import Ranges, common, joined

GRACE = 30.0
"""Seconds for which the pools must have been without a range before its ports are read for the last time.
Longer than any creation of ports takes: Neutron chooses the addresses of a bulk first and writes its ports
afterwards, and a hundred took 20 s at a busy site."""

CLAIM = 600.0
"""Seconds until a claim is over that no port came of. Far longer than any gateway waits for a site."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at a site is worth, after all that this process has seen before."""

    settled: int
    """See `sync.ipam.observed.Observation`."""
    lapsed: int
    again: bool
    """It is time to ask one more site for addresses, and to forget that ports were refused."""
    rest: float
    """Seconds until something settles, if nothing changes."""


@dataclass(slots=True)
class _Since:
    """By the clock of this process."""

    epoch: str
    fences: dict[int, float] = field(default_factory=dict)
    """Version of a fence -> since when the pools are right behind it."""
    versions: dict[int, float] = field(default_factory=dict)
    """Version of the ledger -> since when it is known, as far as there are claims."""
    asked: dict[tuple[int, tuple[str, ...]], float] = field(default_factory=dict)
    """How hungry the site is and whom it asks -> since when."""


class Patience:
    """What one process has seen of its subnets. Losing it costs time only."""

    def __init__(
        self,
        grace: float = GRACE,
        claim: float = CLAIM,
        *,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.grace = grace
        self._claim = claim
        self._clock = clock
        self._since: dict[tuple[str, str], _Since] = {}

    def look(self, ledger: Ledger, site: str, pools: Ranges, fence: int) -> Look:
        """These pools and this fence were just seen, and the ledger was read after that."""
        since, now = self._of(ledger, site), self._clock()
        if fence:
            fenced = [each.range for each in ledger.releases(site) if each.since <= fence]
            if common(pools, joined(fenced)):
                # Somebody else has put them back: it begins anew.
                since.fences.clear()
            else:
                since.fences.setdefault(fence, now)
        settled = _latest(since.fences, now - self.grace)
        if any(each.site == site for each in ledger.claims):
            since.versions.setdefault(ledger.version, now)
        lapsed = _latest(since.versions, now - self._claim)
        waiting = [when for version, when in since.fences.items() if version > settled]
        rest = max(0.0, min(waiting, default=now) + self.grace - now)
        return Look(settled, lapsed, self._again(since, ledger, site, now), rest)

    def forget(self, subnet: str) -> None:
        """The subnet is gone."""
        for key in [key for key in self._since if key[0] == subnet]:
            del self._since[key]

    def _again(self, since: _Since, ledger: Ledger, site: str, now: float) -> bool:
        member = ledger.member(site)
        if member is None or not (member.wants or member.hungry):
            since.asked.clear()
            return False
        now_asked = member.hungry, member.asked
        since.asked = {now_asked: since.asked.get(now_asked, now)}
        return now - since.asked[now_asked] > 2 * self.grace

    def _of(self, ledger: Ledger, site: str) -> _Since:
        known = self._since.get((ledger.subnet, site))
        if known is None or known.epoch != ledger.epoch:
            known = self._since[ledger.subnet, site] = _Since(ledger.epoch)
        return known


def _latest(times: dict[int, float], until: float) -> int:
    """The last of the versions seen up to then; those before it are forgotten."""
    last = max((version for version, when in times.items() if when <= until), default=0)
    for version in [each for each in times if each < last]:
        del times[version]
    return last
