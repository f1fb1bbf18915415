"""What a site does not take, and when it is tried again. Losing this memory costs a few calls.

A MAC that somebody else has drawn at another site stays taken for as long as that port lives: it is not fought.
"""

import random
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from time import monotonic

from sync.status import LONGEST_BACKOFF

_SAID = 3
"""So many are said of one network; of the others how many they are."""


@dataclass(frozen=True, slots=True)
class _Refusal:
    network: str
    why: str
    times: int
    again: float


@dataclass(slots=True)
class Refusals:
    """By the global ID of the port for which nothing can stand."""

    clock: Callable[[], float] = monotonic
    _known: dict[str, _Refusal] = field(default_factory=dict)

    def add(self, port: str, network: str, why: str) -> None:
        """The site has refused it."""
        times = self._known[port].times + 1 if port in self._known else 1
        pause = min(LONGEST_BACKOFF, 2.0**times) * random.uniform(0.5, 1.5)
        self._known[port] = _Refusal(network, why, times, self.clock() + pause)

    def keep(self, ports: Collection[str]) -> None:
        """Nothing has to be done for any other port."""
        for port in self._known.keys() - ports:
            del self._known[port]

    def drop(self, port: str) -> None:
        """It was done."""
        self._known.pop(port, None)

    def waits(self, port: str) -> bool:
        """Whether it is not yet time to try again."""
        return port in self._known and self.clock() < self._known[port].again

    @property
    def rest(self) -> float | None:
        """Seconds until something is tried again."""
        soonest = min((each.again for each in self._known.values()), default=None)
        return None if soonest is None else max(0.0, soonest - self.clock())

    def said(self) -> Mapping[str, str]:
        """Network -> what cannot stand on it, in a sentence."""
        lines: dict[str, list[str]] = {}
        for port, each in sorted(self._known.items()):
            lines.setdefault(each.network, []).append(f"nothing stands for port {port}: {each.why}")
        return {network: _joined(texts) for network, texts in lines.items()}


def _joined(texts: list[str]) -> str:
    more = f"; and {len(texts) - _SAID} more" if len(texts) > _SAID else ""
    return "; ".join(texts[:_SAID]) + more
