"""One site is paused: what is known of that, and how it is kept. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

LONGEST_REASON = 200
"""Characters: it stands in error messages."""

RESUMED = b"null"
"""What is kept of a site that was paused and is not any more: nobody who missed that brings the pause back."""


@dataclass(frozen=True, slots=True)
class Pause:
    """One site is paused."""

    since: int
    """Seconds since 1970."""
    reason: str = ""
    """One line, fit for users."""

    def __post_init__(self) -> None:
        if len(self.reason) > LONGEST_REASON or not self.reason.isprintable():
            raise ValueError(
                f"reason: not one line of up to {LONGEST_REASON} characters; shorten it"
            )

    def __str__(self) -> str:
        since = datetime.fromtimestamp(self.since, UTC)
        told = f" ({self.reason})" if self.reason else ""
        return f"it has been paused since {since:%Y-%m-%d %H:%M} UTC{told}"


def dump(pause: Pause) -> bytes:
    """How a pause is kept."""
    return orjson.dumps([pause.since, pause.reason])


def load(raw: bytes | None) -> Pause | None:
    """The pause that was kept; None if there is none, or none any more."""
    if raw is None or raw == RESUMED:
        return None
    try:
        since, reason = orjson.loads(raw)
        return Pause(int(since), str(reason))
    except (ValueError, TypeError):
        # Somebody meant a pause, and to send requests there could do harm.
        return Pause(0, "")
