"""What a site does not take, and when it is tried again. Losing this memory costs a few calls.

A MAC that somebody else has drawn at another site stays taken for as long as that port lives: it is not fought.
"""

import random
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from time import monotonic

from sync.status import LONGEST_BACKOFF

_SAID = 3
"""So many are said of one; of the others how many they are."""


@dataclass(frozen=True, slots=True)
class _Refusal:
    of: str
    why: str
    times: int
    again: float


@dataclass(slots=True)
class Refusals:
    """By the global ID of what something was to be done for."""

    clock: Callable[[], float] = monotonic
    _known: dict[str, _Refusal] = field(default_factory=dict)

    def add(self, what: str, of: str, why: str) -> None:
        """The site has refused it; it is said of `of`, a network or a router."""
        times = self._known[what].times + 1 if what in self._known else 1
        pause = min(LONGEST_BACKOFF, 2.0**times) * random.uniform(0.5, 1.5)
        self._known[what] = _Refusal(of, why, times, self.clock() + pause)

    def keep(self, due: Collection[str]) -> None:
        """Nothing has to be done for anything else."""
        for what in self._known.keys() - due:
            del self._known[what]

    def drop(self, what: str) -> None:
        """It was done."""
        self._known.pop(what, None)

    def waits(self, what: str) -> bool:
        """Whether it is not yet time to try again."""
        return what in self._known and self.clock() < self._known[what].again

    @property
    def rest(self) -> float | None:
        """Seconds until something is tried again."""
        soonest = min((each.again for each in self._known.values()), default=None)
        return None if soonest is None else max(0.0, soonest - self.clock())

    def said(self, sentence: str) -> Mapping[str, str]:
        """Network or router -> what is wrong with it: a `sentence` with ``{what}`` and ``{why}`` for each."""
        lines: dict[str, list[str]] = {}
        for what, each in sorted(self._known.items()):
            lines.setdefault(each.of, []).append(sentence.format(what=what, why=each.why))
        return {of: _joined(texts) for of, texts in lines.items()}


def _joined(texts: list[str]) -> str:
    more = f"; and {len(texts) - _SAID} more" if len(texts) > _SAID else ""
    return "; ".join(texts[:_SAID]) + more
