"""The breakers of all services of all sites, and who knocks at those that are away.

A site's Keystone is a service too: "identity". Requests go through `reading` or `passing`, which let nobody
through to a service that is away; `reading` also lets those go who wait for one that turns out to be. A site
that is paused counts as away, with all it has, and nobody knocks there.
"""

import asyncio
import logging
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from time import monotonic

from adapters.breaker import Breaker
from adapters.errors import SiteFailed, SitePaused, SiteSilent, SiteUnreachable
from adapters.pause import Pause

_log = logging.getLogger(__name__)

IDENTITY = "identity"

Line = tuple[str, str]
"""(site, service type)"""

Knock = Callable[[str, str], Awaitable[bool]]
"""Asks a service of a site for anything at all: whether there was an answer. May raise."""

Changed = Callable[[str, str, bool], None]
"""Told of each change: (site, service type, whether the service is away now)."""

_LOOK_SECONDS = 0.25
_KNOCK_SECONDS = 3.0
"""How long an answer to a knock may take."""


class Breakers:
    """One for each process. `run` is the one who knocks; without it nothing that is away comes back."""

    def __init__(
        self,
        knock: Knock,
        changed: Changed = lambda site, service, away: None,
        paused: Callable[[], Mapping[str, Pause]] = dict,
    ) -> None:
        self._knock = knock
        self._changed = changed
        self._paused = paused
        self._lines: dict[Line, Breaker] = {}
        self._waiting: defaultdict[Line, dict[asyncio.Timeout, float]] = defaultdict(dict)
        self._knocking: dict[Line, asyncio.Task[None]] = {}

    @contextmanager
    def passing(self, site: str, service: str) -> Iterator[None]:
        """Around a request whose slowness means nothing (writes, streams): only a connection that cannot
        be made counts. Raises SiteUnreachable at once while the service is away."""
        self.check(site, service)
        try:
            yield
        except SiteUnreachable as error:
            if not isinstance(error, SiteSilent):
                self.missed(site, service, error.reason)
            raise

    @contextmanager
    def reading(self, site: str, service: str, timeout: asyncio.Timeout) -> Iterator[None]:
        """Around a request that should be answered soon. `timeout` is the one around it: it ends the
        waiting when the service turns out to be away. Raises SiteUnreachable."""
        self.check(site, service)
        line = site, service
        self._lines.setdefault(line, Breaker())
        began = self._waiting[line][timeout] = monotonic()
        try:
            yield
        except SiteFailed:
            self.heard(site, service)
            raise
        except SiteUnreachable as error:
            self.missed(site, service, error.reason)
            raise
        except asyncio.CancelledError:
            if timeout.expired():
                self._timed_out(site, service, began)
            raise
        finally:
            del self._waiting[line][timeout]

    def check(self, site: str, service: str) -> None:
        """Raise SiteUnreachable if the service is away, SitePaused if the whole site is paused."""
        if (pause := self._paused().get(site)) is not None:
            raise SitePaused(site, str(pause))
        breaker = self._lines.get((site, service))
        if breaker is not None and breaker.open:
            since = _moment(breaker)
            what = "its Keystone" if service == IDENTITY else f"its service {service}"
            raise SiteUnreachable(
                site, f"{what} has been away since {since:%H:%M:%S} UTC ({breaker.reason})"
            )

    def heard(self, site: str, service: str) -> None:
        """The service has answered."""
        if self._line(site, service).heard(monotonic()):
            _log.warning("%s of site %s is back", service, site)
            self._changed(site, service, False)

    def missed(self, site: str, service: str, reason: str) -> None:
        """The service has not answered."""
        if self._line(site, service).missed(reason, monotonic(), _jitter()):
            self._opened(site, service)

    def away(self) -> dict[Line, Breaker]:
        """What is away now, found out by asking: pauses are not among it."""
        return {line: breaker for line, breaker in self._lines.items() if breaker.open}

    def away_since(self, site: str) -> dict[str, datetime]:
        """Service type -> since when it is away, of those of a site that are."""
        return {
            service: _moment(breaker)
            for (name, service), breaker in self.away().items()
            if name == site
        }

    def is_away(self, site: str, service: str) -> bool:
        """Whether the service is away, or its site paused."""
        breaker = self._lines.get((site, service))
        return site in self._paused() or (breaker is not None and breaker.open)

    def sites_without(self, service: str) -> set[str]:
        """The sites that can do nothing with a service now: it is away, or their Keystone is, or they are
        paused."""
        away = {site for site, which in self.away() if which in (service, IDENTITY)}
        return away | self._paused().keys()

    async def run(self) -> None:
        """Knock where it is time to. For ever."""
        while True:
            now, paused = monotonic(), self._paused()
            for line, breaker in self._lines.items():
                if line[0] in paused:
                    continue
                if began := list(self._waiting[line].values()):
                    breaker.waits(min(began), now)
                if breaker.knock_at <= now and line not in self._knocking:
                    self._knocking[line] = asyncio.create_task(self._knock_at(*line))
            await asyncio.sleep(_LOOK_SECONDS)

    def _timed_out(self, site: str, service: str, began: float) -> None:
        if self._line(site, service).timed_out(began, monotonic(), _jitter()):
            self._opened(site, service)

    def _opened(self, site: str, service: str) -> None:
        _log.warning("%s of site %s is away: %s", service, site, self._line(site, service).reason)
        self._changed(site, service, True)
        # What took it away may have taken its neighbours.
        for (where, _), other in self._lines.items():
            if where == site and not other.open:
                other.knock_at = min(other.knock_at, monotonic())
        now = asyncio.get_running_loop().time()
        for timeout in self._waiting[site, service]:
            if not timeout.expired():
                timeout.reschedule(now)

    async def _knock_at(self, site: str, service: str) -> None:
        try:
            answered, reason = await self._answered(site, service)
            if answered:
                self.heard(site, service)
            else:
                self.missed(site, service, reason)
        except Exception:
            # Whoever is told of it chokes on it: it will be knocked at again.
            _log.exception("what was heard of %s of site %s is not told", service, site)
        finally:
            del self._knocking[site, service]

    async def _answered(self, site: str, service: str) -> tuple[bool, str]:
        """Whether there was an answer to a knock, and why not."""
        try:
            async with asyncio.timeout(_KNOCK_SECONDS):
                return await self._knock(site, service), "only a proxy answers"
        except SiteUnreachable as error:
            return False, error.reason
        except TimeoutError:
            return False, "no answer in time"
        except Exception:
            _log.exception("cannot knock at %s of site %s", service, site)
            return False, "no answer"

    def _line(self, site: str, service: str) -> Breaker:
        return self._lines.setdefault((site, service), Breaker())


def _moment(breaker: Breaker) -> datetime:
    """When a service that is away was missed first."""
    return datetime.now(UTC) - timedelta(seconds=monotonic() - breaker.since)


def _jitter() -> float:
    return random.uniform(0.8, 1.2)
