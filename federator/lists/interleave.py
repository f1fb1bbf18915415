"""The lists of many sites become one, as far as a page needs it. Pure.

Each site's list is a lane of which some items have been read. Of the first items of all lanes the least comes
next; where they are equal, that of the first site. So what comes next depends on nothing but how far each lane
has been passed, and pages that begin where others ended are the same list as one long page, whatever the
databases think of the order of two names.

A lane whose next item is not known blocks the rest. `asks` says how many items of which lanes to read on: what
their share of the last pages makes likely, and a little more, for a second round costs more than some items
read in vain. Of a lane that is not expected to be reached nothing is read at all: it is enough to know what
it goes on with.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heapreplace
from math import ceil, sqrt
from typing import Any

from federator.lists.cursor import CHAIN, LONGEST_VALUE, Ahead, Cursor, Stop
from federator.order import Key, SortKey, key_of, values_of

_MEMORY = 0.5
"""What the shares of earlier pages count beside those of the last one."""
_LIKELY = 0.4
"""The lanes that begin first give the page: so many of them, as a part of what is needed."""
_MARGIN = 0.5
"""What is asked for beyond what is expected, as a part of it at most."""
_PRIOR = 4
"""As many items given out count as much as the share that was expected."""

Item = dict[str, Any]
_Place = tuple[int, Key, int]
"""(2 behind all that is known, else 1; the key; the place of the lane among the lanes)"""


@dataclass(slots=True)
class _Lane:
    site: str
    place: int
    stop: Stop
    passed: list[str]
    whole: bool
    ahead: Key | None
    ended: bool
    unread: deque[tuple[str, Key, Item]] = field(default_factory=deque)
    read: list[Item] = field(default_factory=list)
    given: int = 0
    done: bool = False
    """Nothing is behind what was read."""
    missing: bool = False
    behind: str = ""
    """The site's own ID of the last item read, where that is not for anybody."""

    @property
    def live(self) -> bool:
        return not self.missing and (bool(self.unread) or not self.done)

    @property
    def next_place(self) -> _Place | None:
        """Where its next item stands; None if that is not known."""
        if self.unread:
            return 1, self.unread[0][1], self.place
        if self.ended:
            return 2, (), self.place
        return None if self.ahead is None else (1, self.ahead, self.place)


class Interleaving:
    """One page of a merged list, being made. `need` is how many items it takes."""

    def __init__(
        self,
        sites: Sequence[str],
        order: Sequence[SortKey],
        need: int,
        *,
        identity: Callable[[Item], str],
        twins: Callable[[str], Collection[str]] = lambda _: (),
        hidden: Callable[[str, Item], bool] = lambda _site, _item: False,
        cursor: Cursor | None = None,
        backwards: bool = False,
        largest: int = 1000,
    ) -> None:
        """`twins` are the sites of an object that may be at several; what is `hidden` (site, item) is passed
        over; `largest` is the most to ask for."""
        self.chosen: list[Item] = []
        self.reached = False
        """Whether `asks_to` came to what it was to come to."""
        self.backwards = backwards
        self._order = order
        self._need = need
        self._identity = identity
        self._twins_of = twins
        self._hidden = hidden
        self._largest = largest
        self._count = 0
        self._fresh = cursor is None
        stops = cursor.stops if cursor else {}
        places = range(0, -len(sites), -1) if backwards else range(len(sites))
        self._lanes = {
            site: self._lane(site, place, stops.get(site, Stop()))
            for site, place in zip(sites, places, strict=True)
        }
        self._twins = {twin: set(left) for twin, left in cursor.twins.items()} if cursor else {}

    def _lane(self, site: str, place: int, stop: Stop) -> _Lane:
        ahead = None
        if stop.ahead is not None and len(stop.ahead.values) == len(self._order):
            ahead = key_of(stop.ahead.values, self._order, backwards=self.backwards)
        return _Lane(site, place, stop, list(stop.passed), stop.whole, ahead, stop.ended)

    def asks(self) -> dict[str, int]:
        """How many items to read on, by site. Empty when the page is made."""
        blocking = self._advance()
        rest = self._need - self._count
        live = sorted(
            (lane for lane in self._lanes.values() if lane.live),
            key=lambda lane: lane.next_place or (0, (), lane.place),
        )
        wanted: dict[str, int] = {}
        for turn, lane in enumerate(live):
            unknown = blocking and not lane.unread and not lane.ended
            if lane in blocking or (unknown and self._likely(turn, rest)):
                wanted[lane.site] = self._expected(lane, live, rest)
        return {site: min(count, self._largest) for site, count in wanted.items()}

    def marker(self, site: str) -> str:
        """The item behind which a site is to be read on; empty for the beginning."""
        lane = self._lanes[site]
        if lane.unread:
            return lane.unread[-1][0]
        return lane.passed[0] if lane.passed else ""

    def behind(self, site: str) -> str:
        """The site's own ID of an item behind which it is read on, and which nobody is to see; mostly none."""
        return self._lanes[site].behind

    def step_back(self, site: str) -> bool:
        """The item behind which a site was asked is gone: take the one before. False if there is none."""
        lane = self._lanes[site]
        if lane.behind:
            lane.behind = ""
            return True
        if lane.unread or not lane.passed:
            return False
        del lane.passed[0]
        return bool(lane.passed) or lane.whole

    def take(self, site: str, items: Iterable[Item], *, more: bool, behind: str = "") -> None:
        """What a site answered; `more`: there may be something behind it. See `behind`."""
        lane = self._lanes[site]
        lane.behind = behind
        for item in items:
            key = key_of(values_of(item, self._order), self._order, backwards=self.backwards)
            lane.unread.append((self._identity(item), key, item))
            lane.read.append(item)
        lane.done = not more
        lane.ended, lane.ahead = False, None

    def take_remembered(self, site: str, items: Sequence[Item]) -> None:
        """The whole of a site's list as it was last known, from its beginning."""
        lane = self._lanes[site]
        ids = [self._identity(item) for item in items]
        start, end = 0, len(items)
        place = next((ids.index(each) for each in lane.passed if each in ids), None)
        if place is None and lane.stop.ahead and lane.stop.ahead.id in ids:
            # What would have come next, so this belongs to the rest.
            place = ids.index(lane.stop.ahead.id) + (1 if self.backwards else -1)
        if place is None and (lane.passed or not lane.whole):
            # Where we are in it cannot be told.
            place = -1 if self.backwards else end
        if place is not None:
            start, end = (0, max(place, 0)) if self.backwards else (place + 1, end)
        rest = items[start:end]
        lane.unread.clear()
        self.take(site, rest[::-1] if self.backwards else rest, more=False)

    def leave(self, site: str) -> None:
        """A site gives no answer: the others go on without it, and it keeps its place."""
        self._lanes[site].missing = True

    def knows(self, site: str, item_id: str) -> bool:
        """Whether this item was read of a site already."""
        lane = self._lanes[site]
        return item_id in lane.passed or any(item_id == each for each, _, _ in lane.unread)

    @property
    def read(self) -> dict[str, list[Item]]:
        """What was read of each site for this page."""
        return {site: lane.read for site, lane in self._lanes.items()}

    @property
    def more(self) -> bool:
        """Whether something may follow."""
        return any(lane.live and not lane.ended for lane in self._lanes.values())

    def asks_to(self, target: str, barrier: tuple[Key, str] | None = None) -> dict[str, int]:
        """Pass everything before the item of this ID or, with a `barrier` (a key and the site it is of),
        what comes before that; how many items to read for it. Empty when there, or when it never comes."""
        while True:
            lane, blocking = self._first()
            if lane is None:
                wanted = [each for each in self._lanes.values() if each.live and not each.unread]
                return {each.site: self._largest for each in wanted} if blocking else {}
            place = _place(lane)
            if barrier is not None:
                key, site = barrier
                self.reached = place >= (1, key, self._lanes[site].place)
            else:
                self.reached = lane.unread[0][0] == target
            if self.reached:
                return {}
            self._pass(lane)
            self.chosen.clear()

    def pass_one(self) -> None:
        """Pass the item that comes next."""
        lane, _ = self._first()
        assert lane is not None
        self._pass(lane)

    def onward(self) -> Cursor:
        """The place behind all that was passed."""
        there = {site for site, lane in self._lanes.items() if not lane.done or lane.unread}
        return Cursor(
            {site: self._stop(lane) for site, lane in self._lanes.items()},
            {twin: frozenset(left & there) for twin, left in self._twins.items() if left & there},
        )

    def turned(self) -> Cursor:
        """The place where things stand, for the way in the other direction."""
        return Cursor(
            {
                site: Stop(
                    passed := tuple(each for each, _, _ in list(lane.unread)[:CHAIN]),
                    whole=lane.done and len(passed) == len(lane.unread),
                )
                for site, lane in self._lanes.items()
            }
        )

    def turned_at_start(self) -> Cursor:
        """The place where this page began, for the way in the other direction."""
        stops = {}
        for site, lane in self._lanes.items():
            first = [self._identity(item) for item in lane.read[:CHAIN]]
            if not first and lane.stop.ahead is not None:
                first = [lane.stop.ahead.id]
                whole = False
            else:
                whole = lane.done and len(first) == len(lane.read)
            stops[site] = Stop(tuple(first), whole or (not first and not lane.missing))
        return Cursor(stops)

    def _advance(self) -> list[_Lane]:
        """Give out what can be given out. The lanes that have to be read before it goes on."""
        while self._count < self._need:
            lane, blocking = self._first()
            if lane is None:
                return blocking
            self._pass_in_turn()
        return []

    def _pass_in_turn(self) -> None:
        """Give out what comes next again and again, as long as that is known of every lane."""
        turns = [(_place(lane), lane) for lane in self._lanes.values() if lane.live]
        heapify(turns)
        while turns and turns[0][1].unread and self._count < self._need:
            lane = turns[0][1]
            self._pass(lane)
            place = lane.next_place
            if not lane.live:
                heappop(turns)
            elif place is None:
                return
            else:
                heapreplace(turns, (place, lane))

    def _first(self) -> tuple[_Lane | None, list[_Lane]]:
        """The lane whose turn it is, or the lanes that have to be asked to know."""
        live = [lane for lane in self._lanes.values() if lane.live]
        unknown = [lane for lane in live if lane.next_place is None]
        if unknown or not live:
            return None, unknown
        first = min(live, key=_place)
        if first.unread:
            return first, []
        if first.ended:
            # All that is known is passed: whether something new is behind it, each has to say.
            return None, live
        return None, [first]

    def _pass(self, lane: _Lane) -> None:
        item_id, _, item = lane.unread.popleft()
        lane.passed.insert(0, item_id)
        if len(lane.passed) > CHAIN:
            lane.whole = False
            del lane.passed[CHAIN:]
        if self._hidden(lane.site, item):
            return
        if item_id in self._twins:
            self._twins[item_id].discard(lane.site)
            if not self._twins[item_id]:
                del self._twins[item_id]
            return
        others = {site for site in self._twins_of(item_id) if site in self._lanes} - {lane.site}
        if others:
            self._twins[item_id] = others
        lane.given += 1
        self._count += 1
        self.chosen.append(item)

    def _likely(self, turn: int, rest: int) -> bool:
        """Whether a lane is worth asking before it is known to be needed; `turn` lanes begin before it."""
        if rest > self._largest * len(self._lanes):
            return True
        return (bool(self._order) or self._fresh) and turn < _LIKELY * rest

    def _expected(self, lane: _Lane, live: Sequence[_Lane], rest: int) -> int:
        """How many of the `rest` to ask a lane for; at least one."""
        if not self._order and (not self._fresh or lane is live[0]):
            # Site after site: it may have them all.
            return rest
        if rest > self._largest * len(self._lanes):
            return self._largest
        share = self._share(lane, live)
        expected = rest * share
        margin = min(3 * sqrt(expected * (1 - share)), _MARGIN * expected)
        # Shares are fractions: what is off in their last digits is no item.
        return min(rest, ceil(round(expected + margin, 6))) or 1

    def _share(self, lane: _Lane, live: Sequence[_Lane]) -> float:
        """The part of what is still needed that is expected of a lane."""
        even = 1 / len(live)
        weights = {
            each.site: each.given + _PRIOR * (even if each.stop.share is None else each.stop.share)
            for each in live
        }
        total = sum(weights.values())
        return weights[lane.site] / total if total else even

    def _stop(self, lane: _Lane) -> Stop:
        ahead, ended = lane.stop.ahead if lane.ahead is not None else None, lane.ended
        if lane.unread:
            item_id, _, item = lane.unread[0]
            values = values_of(item, self._order)
            ahead = Ahead(item_id, values) if all(map(_short, values)) else None
        elif lane.done:
            ended = True
        given = lane.given / self._count if self._count else lane.stop.share
        share = (
            given
            if lane.stop.share is None or given is None
            else (_MEMORY * lane.stop.share + (1 - _MEMORY) * given)
        )
        return Stop(tuple(lane.passed), lane.whole, ahead, ended, share)


def _place(lane: _Lane) -> _Place:
    place = lane.next_place
    assert place is not None
    return place


def _short(value: object) -> bool:
    return value is None or (
        isinstance(value, str | int | float) and len(str(value)) <= LONGEST_VALUE
    )
