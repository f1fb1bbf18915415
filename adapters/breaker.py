"""When a service of a site counts as away, and when to knock at it again. Pure.

Two misses in a row open the breaker: from then on nobody waits for the service. A miss is a refused
connection, or a read that got no answer while nobody else got one either.
After the first miss somebody knocks (asks for the service's root, which costs it nothing): so what is merely
slow is heard at the second look and never opens it, and what is dead is known a moment later, whether or not
there is another request. While it is open knocking goes on, rarer and rarer, and the first answer closes it.
"""

from dataclasses import dataclass
from math import inf

MISSES = 2
"""So many in a row, and the service counts as away."""

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0
"""Seconds between two knocks at a service that is away; each pause is twice the one before."""

PATIENCE = 1.0
"""Seconds that a request waits for an answer before somebody knocks."""


@dataclass(slots=True)
class Breaker:
    """One service of one site. Times are seconds on the clock of `time.monotonic`."""

    misses: int = 0
    """In a row."""
    reason: str = ""
    """Of the last miss: a few words, fit for users."""
    since: float = inf
    """When the first miss of the row was."""
    open: bool = False
    knock_at: float = inf
    """When to knock next; never, if nothing is wrong."""
    heard_at: float = -inf
    """When the last answer came."""
    _pause: float = FIRST_PAUSE

    def timed_out(self, began: float, now: float, jitter: float = 1.0) -> bool:
        """Somebody waited in vain since `began`. A miss only if nobody was answered since then: else it is
        that one question that takes long. True if that opens the breaker."""
        return self.heard_at < began and self.missed("no answer in time", now, jitter)

    def missed(self, reason: str, now: float, jitter: float = 1.0) -> bool:
        """Count a miss. True if that opens the breaker. `jitter`, about 1, spreads the knocks of many."""
        self.misses += 1
        self.reason = reason
        self.since = min(self.since, now)
        if self.open:
            # Those who were on their way when it opened say nothing new.
            if now >= self.knock_at:
                self.knock_at = now + self._pause * jitter
                self._pause = min(2 * self._pause, LONGEST_PAUSE)
            return False
        self.knock_at = now
        if self.misses < MISSES:
            return False
        self.open = True
        self.knock_at = now + FIRST_PAUSE * jitter
        self._pause = 2 * FIRST_PAUSE
        return True

    def heard(self, now: float) -> bool:
        """Note an answer. True if that closes the breaker."""
        closes, self.open = self.open, False
        self.misses, self.since, self.knock_at = 0, inf, inf
        self.heard_at = now
        return closes

    def waits(self, began: float, now: float) -> None:
        """Somebody has been waiting since `began`: knock if nothing was heard for too long."""
        if now - max(began, self.heard_at) > PATIENCE:
            self.knock_at = min(self.knock_at, now)
