"""Where a walk through a merged list stands at each site. Pure.

A cursor belongs to the last item that was given out, and says how far each site's list has been passed. It
goes out in the link to the next page, and is kept under the last item's ID for clients that make their own
``marker=<last ID>``. What comes back from a client is only believed to be a position in its own lists.
"""

import base64
import binascii
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

CHAIN = 3
"""How many of the items last passed are remembered of each site. Where they are gone, the site is asked
once for each of them."""
LONGEST_TOKEN = 2000
"""Characters of a cursor in a link; longer ones are only kept."""
LONGEST_VALUE = 64
"""Characters of a value that is remembered of what comes next. Behind a longer one the site is asked."""
_LARGEST = 64 * 1024
"""Bytes of a cursor, whoever made it."""
_MOST_TWINS = 1000
"""Of a cursor, whoever made it."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """The item that comes next at a site, as it was when it was read over."""

    id: str
    values: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Stop:
    """How far one site's list has been passed."""

    passed: tuple[str, ...] = ()
    """The last items passed, the latest first: where one is deleted, those before it still tell the place.
    Empty: the beginning of the list."""
    whole: bool = True
    """Whether `passed` are all that were ever passed."""
    ahead: Ahead | None = None
    """None: the site has to be asked."""
    ended: bool = False
    """Nothing was behind it when it was last asked. Something may be by now."""
    share: float | None = None
    """The part of the last pages that came from here."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a merged list, between two items."""

    stops: Mapping[str, Stop]
    twins: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Objects of several sites that are one and were given out -> the sites that still have them to come."""

    @property
    def complete(self) -> bool:
        """Whether the place is known at every site."""
        return all(stop.passed or stop.whole for stop in self.stops.values())


def dump(cursor: Cursor) -> bytes:
    """A cursor as bytes."""
    stops = {
        site: [
            stop.passed,
            stop.whole,
            [stop.ahead.id, *stop.ahead.values] if stop.ahead else None,
            stop.ended,
            None if stop.share is None else round(stop.share, 3),
        ]
        for site, stop in cursor.stops.items()
    }
    return zlib.compress(orjson.dumps([stops, {k: sorted(v) for k, v in cursor.twins.items()}]))


def load(raw: bytes, sites: Sequence[str]) -> Cursor | None:
    """The cursor in these bytes; None if it is none over exactly these sites."""
    try:
        packed = zlib.decompressobj()
        text = packed.decompress(raw, _LARGEST)
        if not packed.eof:
            return None
        stops, twins = orjson.loads(text)
        read = {str(site): _stop(*parts) for site, parts in stops.items()}
        return Cursor(read, _twins(twins, sites)) if read.keys() == set(sites) else None
    except (zlib.error, ValueError, TypeError, AttributeError):
        return None


def token(name: str, marker: str, cursor: Cursor) -> str:
    """The cursor as a word of a link, for the walk of this name behind this item; empty if too long."""
    raw = dump(cursor)
    word = base64.urlsafe_b64encode(bytes.fromhex(_seal(name, marker)) + raw).decode().rstrip("=")
    return word if len(word) <= LONGEST_TOKEN else ""


def from_token(word: str, name: str, marker: str, sites: Sequence[str]) -> Cursor | None:
    """The cursor in a word of a link; None if it is of another walk, or was tampered with."""
    if not word or len(word) > LONGEST_TOKEN:
        return None
    try:
        raw = base64.urlsafe_b64decode(word + "=" * (-len(word) % 4))
    except (binascii.Error, ValueError):
        return None
    seal = bytes.fromhex(_seal(name, marker))
    return load(raw[len(seal) :], sites) if raw.startswith(seal) else None


def _seal(name: str, marker: str) -> str:
    """Tells a link that somebody changed by hand from one as we made it. Nothing depends on it."""
    return f"{binascii.crc32(f'{name} {marker}'.encode()):08x}"


def _stop(passed: Any, whole: Any, ahead: Any, ended: Any, share: Any) -> Stop:
    if share is not None and not 0 <= float(share) <= 1:
        raise ValueError("a share is a part of one")
    next_one = None
    if ahead is not None:
        first, *values = ahead
        if not all(value is None or isinstance(value, str | int | float) for value in values):
            raise ValueError("a value is a number or a text")
        next_one = Ahead(str(first), tuple(values))
    if not isinstance(passed, list):
        raise TypeError("not a list")
    if len(passed) > CHAIN:
        raise ValueError("no cursor of ours remembers so many items")
    # A list that changed while it was read may have shown one twice: it need not be asked for twice.
    once = dict.fromkeys(map(str, passed))
    return Stop(tuple(once), bool(whole), next_one, bool(ended), share)


def _twins(twins: Any, sites: Sequence[str]) -> dict[str, frozenset[str]]:
    if len(twins) > _MOST_TWINS:
        raise ValueError("no page needs so many")
    read = {str(item): frozenset(map(str, left)) for item, left in twins.items()}
    if not all(left <= set(sites) for left in read.values()):
        raise ValueError("a site that has no part in the list")
    return read
