"""What several sites have already, each its own and all alike, becomes one object. Pure.

Nothing is made alike here: what differs is named, and then nothing is done. What is written down is what is
there, so the daemons have nothing to do but to write their marks; and the parts are written before the whole,
or those that are not known yet would be taken for too many (`sync.diff`).

Only kinds of which no site gives anything out by itself (`Kind.adoptable`): two networks that are alike have
each given out addresses, and perhaps the same.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.spec import PROJECT
from idmap.desired import Desired
from idmap.pins import PinTable
from idmap.store import SHARED, Pin
from sync.kind import Item, Kind
from sync.plan import Replica
from sync.share import entry_of


class Unadoptable(Exception):
    """It is not taken into care; `why` has a sentence for each reason."""

    def __init__(self, *why: str) -> None:
        super().__init__("; ".join(why))
        self.why = why


@dataclass(frozen=True, slots=True)
class Found:
    """One of those that are to be one: an object of a site, and all that the site has."""

    site: str
    replica: Replica
    observed: Mapping[str, Sequence[Replica]]


@dataclass(frozen=True, slots=True)
class Adoption:
    """What is to be written."""

    entries: tuple[Desired, ...]
    """Parts first."""
    pins: tuple[Pin, ...]


def adoption(
    kinds: Sequence[Kind],
    kind: Kind,
    found: Sequence[Found],
    pins: PinTable,
    known: Collection[str] = (),
    one: str = "",
) -> Adoption:
    """One object of these, the first of which becomes its anchor; `known` is what is kept alike already.

    `one` is the global ID of what is shown as one at several sites, and kept alike by nobody.

    Raises Unadoptable.
    """
    first, *others = found
    if not kind.adoptable:
        raise Unadoptable(
            f"{kind.noun} comes to other sites by itself, and cannot be adopted there"
        )
    wrong = [line for each in found for line in _unfit(kind, each, pins, known, one)]
    if repeated := len(found) - len({each.site for each in found}):
        wrong.append(f"{repeated} of them are at a site that has another one of them")
    if wrong:
        raise Unadoptable(*wrong)
    global_id = first.replica.global_id
    sites = [each.site for each in found]
    entries, places = [], []
    for part, items in _parts(kinds, first).items():
        twins = [_by_nature(part, each, global_id) for each in others]
        mine = _by_nature(part, first, global_id)
        wrong += _lacking(part, mine, first, others, twins)
        for key, replica in items.items():
            there = {
                each.site: twin[key]
                for each, twin in zip(others, twins, strict=True)
                if key in twin
            }
            whole = {**replica.item, "project_id": first.replica.item.get("project_id")}
            entries.append(entry_of(part, whole, first.site, sites))
            places.append((part, replica, there))
    spec = kind.spec_of(first.replica.item)
    for each in others:
        item = _said_of(each.replica.item, each.replica.global_id, global_id)
        wrong += [
            f"{name} is {spec[name]!r} at {first.site} and {item.get(name)!r} at {each.site}"
            for name in sorted({*kind.differences(spec, item), *_born_otherwise(kind, spec, item)})
        ]
    if wrong:
        raise Unadoptable(*wrong)
    entries.append(entry_of(kind, first.replica.item, first.site, sites))
    places.append((kind, first.replica, {each.site: each.replica for each in others}))
    return Adoption(
        tuple(entries),
        tuple(
            Pin(
                replica.global_id,
                what.resource.kind,
                SHARED,
                {first.site: replica.local_id, **{s: twin.local_id for s, twin in there.items()}},
                anchor=first.site,
            )
            for what, replica, there in places
        ),
    )


def _unfit(kind: Kind, each: Found, pins: PinTable, known: Collection[str], one: str) -> list[str]:
    """Why one of them cannot be taken, whatever the others are."""
    item, gid = each.replica.item, each.replica.global_id
    if each.replica.marks is not None:
        return [f"{gid} at {each.site} is in a federation's care already"]
    pin = pins.pin(kind.resource.kind, gid)
    # A pin of ours that nothing is known of was left behind by somebody who died over it.
    if pin is not None and ((pin.origin != SHARED and gid != one) or gid in known):
        return [f"{gid} at {each.site} is one with those of other sites already"]
    if pins.pin(PROJECT, str(item.get("project_id"))) is None:
        return [f"the project of {gid} at {each.site} is none of the federation's"]
    return []


def _parts(kinds: Sequence[Kind], whole: Found) -> dict[Kind, dict[Any, Replica]]:
    """The kinds of its parts -> what each says -> the part."""
    gid, name = whole.replica.global_id, whole.replica.kind
    return {
        part: _by_nature(part, whole, gid)
        for part in kinds
        if part.resource.part_of and part.resource.refs.get(part.resource.part_of) == name
    }


def _by_nature(part: Kind, whole: Found, global_id: str) -> dict[Any, Replica]:
    """What a part says, the whole being called by its new ID -> the part."""
    gid = whole.replica.global_id
    return {
        part.natural(_said_of(each.item, gid, global_id)): each
        for each in whole.observed.get(part.name, ())
        if each.item.get(part.resource.part_of) == gid
    }


def _lacking(
    part: Kind,
    mine: Mapping[Any, Replica],
    first: Found,
    others: Sequence[Found],
    twins: Sequence[Mapping[Any, Replica]],
) -> list[str]:
    lines = []
    for each, theirs in zip(others, twins, strict=True):
        for here, there, parts in (
            (first.site, each.site, [mine[key] for key in mine if key not in theirs]),
            (each.site, first.site, [theirs[key] for key in theirs if key not in mine]),
        ):
            lines += [f"{part.noun} {p.global_id} is at {here} and not at {there}" for p in parts]
    return lines


def _born_otherwise(kind: Kind, spec: Item, item: Item) -> list[str]:
    """The fields that cannot be changed any more, and differ."""
    normal = kind.normal(item)
    born = [name for name in kind.resource.born if name in spec]
    return [name for name in born if normal.get(name) != spec[name]]


def _said_of(item: Item, gid: str, global_id: str) -> dict[str, Any]:
    """What an item says, if what is called `gid` is called `global_id`."""
    return {name: global_id if value == gid else value for name, value in item.items()}
