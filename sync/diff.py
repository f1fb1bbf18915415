"""Desired against observed, as a plan for one site. Pure, and the only place that compares."""

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field

from adapters.marks import Marks
from idmap.desired import Desired, State, Status
from sync.driver import Ground, How, Unfit
from sync.kind import Kind
from sync.plan import Change, Create, Delete, Odd, Plan, Replica, Stretch, Update
from sync.share import goes_with

CHANGING_SECONDS = 120.0
"""A change at the anchor that takes longer has been forgotten by whoever made it (see `sync.unfinished`)."""


@dataclass(slots=True)
class _Draft:
    """A plan while it is made."""

    makes: list[Change] = field(default_factory=list)
    takes: list[Change] = field(default_factory=list)
    alike: list[tuple[Desired, Replica]] = field(default_factory=list)
    gone: list[Desired] = field(default_factory=list)
    drained: list[Desired] = field(default_factory=list)
    waiting: dict[str, str] = field(default_factory=dict)
    unfit: dict[str, str] = field(default_factory=dict)
    odd: list[Odd] = field(default_factory=list)
    found: dict[str, str] = field(default_factory=dict)
    """Global ID -> local ID of what has been matched so far."""
    drains: set[str] = field(default_factory=set)
    """What is drained here."""
    doomed: set[str] = field(default_factory=set)
    """What is there, and is to be gone everywhere."""
    read: bool = True
    """Whether it is known what is in our care at the site."""


def diff(
    site: str,
    kinds: Sequence[Kind],
    desired: Sequence[Desired],
    observed: Mapping[str, Sequence[Replica]],
    statuses: Mapping[str, Status],
    *,
    now: float,
    places: Mapping[str, str],
    ground: Ground,
    plugged: Collection[str] = (),
    but: Collection[str] = (),
    read: bool = True,
) -> Plan:
    """What would bring a site to the desired state.

    `kinds` in order of dependence. `places` is global ID -> local ID of the replicas that the ID map has at the
    site, `plugged` the local IDs of networks that have ports. `now` in seconds since 1970. Nothing is planned
    for the global IDs in `but`. `read`: whether it is known what is in our care there (`sync.restored`).
    """
    drains = {entry.global_id for entry in desired if site in entry.drained}
    draft = _Draft(drains=drains, read=read)
    for kind in kinds:
        mine = [e for e in desired if e.kind == kind.name and e.global_id not in but]
        there = [each for each in observed.get(kind.name, ()) if not _is_strayed(kind, each, draft)]
        found = _matched(kind, mine, there, places, draft)
        draft.found |= {gid: replica.local_id for gid, replica in found.items()}
        kept = {
            found[e.global_id].local_id
            for e in mine
            if _is_wanted(site, e) and e.global_id in found
        }
        for entry in mine:
            replica = found.get(entry.global_id)
            if replica is not None and replica.local_id in kept and not _is_wanted(site, entry):
                # Of two that say the same here the other one stays.
                replica = None
            if not _stretches(site, kind, entry, replica, ground, plugged, draft):
                _decide(site, kind, entry, replica, statuses, now, ground.federation, draft)
        if kind.exclusive:
            _besides(site, kind, desired, observed.get(kind.name, ()), found, draft)
    return Plan(
        site,
        # What depends on others is made after them and taken away before them.
        (*draft.makes, *reversed(draft.takes)),
        tuple(draft.alike),
        tuple(draft.gone),
        tuple(draft.drained),
        draft.waiting,
        draft.unfit,
        tuple(draft.odd),
    )


def _stretches(
    site: str,
    kind: Kind,
    entry: Desired,
    replica: Replica | None,
    ground: Ground,
    plugged: Collection[str],
    draft: _Draft,
) -> bool:
    """Whether it has to be made fit for other sites first, or cannot be."""
    if kind.stretch is None or replica is None or len(entry.sites) < 2:
        return False
    if entry.deleted or entry.changing or entry.quarantined or site in entry.unread:
        return False
    try:
        how = kind.stretch(ground, entry.spec, replica.local, replica.local_id in plugged)
    except Unfit as error:
        draft.unfit[entry.global_id] = str(error)
        return True
    if how is not How.NOTHING:
        draft.makes.append(Stretch(entry, replica, how))
    return how is not How.NOTHING


def _is_wanted(site: str, entry: Desired) -> bool:
    return site in entry.sites and not entry.deleted


def _decide(
    site: str,
    kind: Kind,
    entry: Desired,
    replica: Replica | None,
    statuses: Mapping[str, Status],
    now: float,
    federation: str,
    draft: _Draft,
) -> None:
    wanted = _is_wanted(site, entry)
    if not wanted and replica is None:
        if not entry.changing:
            draft.gone.append(entry)
        return
    if entry.deleted:
        draft.doomed.add(entry.global_id)
    drains = str(entry.spec.get(kind.drains_with) or "") if wanted and kind.drains_with else ""
    away = drains in draft.drains
    if why := _not_now(site, entry, statuses.get(entry.global_id), now):
        draft.waiting[entry.global_id] = why
    elif away and replica is None:
        draft.drained.append(entry)
    elif away and replica is not None:
        draft.takes.append(Delete(entry, replica, "its router is drained", drains=drains))
    elif replica is None:
        draft.makes.append(Create(entry))
    elif entry.deleted and goes_with(entry) & draft.doomed:
        # Not before the whole: should a site still need that, nothing of it is to be lost.
        draft.waiting[entry.global_id] = "goes with what it is a part of"
    elif not wanted and not entry.deleted and not draft.read:
        # Its site may have left once, and be back.
        why = "is not to be at this site, as far as is known before it is read"
        draft.odd.append(Odd(kind.name, entry.global_id, replica.local_id, why))
    elif not wanted:
        draft.takes.append(Delete(entry, replica, "is to be gone"))
    elif kind.begun(replica.item):
        draft.makes.append(Create(entry, "was only begun"))
    elif change := _difference(site, kind, entry, replica, federation):
        draft.makes.append(change)
    else:
        draft.alike.append((entry, replica))


def _besides(
    site: str,
    kind: Kind,
    desired: Sequence[Desired],
    there: Sequence[Replica],
    found: Mapping[str, Replica],
    draft: _Draft,
) -> None:
    """Parts of a replica that are none of the whole. At the anchor only the tenant makes any."""
    wholes = {entry.global_id: entry for entry in desired if site in entry.sites - {entry.anchor}}
    known = {replica.local_id for replica in found.values()}
    for replica in there:
        whole = wholes.get(str(replica.item.get(kind.resource.part_of)))
        if whole is None or replica.local_id in known:
            continue
        if not (whole.deleted or whole.changing or whole.quarantined or site in whole.unread):
            why = f"is no part of {whole.kind} {whole.global_id}"
            draft.takes.append(Delete(whole, replica, why, extra=True))


def _not_now(site: str, entry: Desired, status: Status | None, now: float) -> str:
    if entry.quarantined:
        return f"in quarantine: {entry.quarantined}"
    if site in entry.unread:
        return "whether it is here has to be read first (federator idmap rebuild)"
    if entry.changing:
        return "is being changed"
    if status is None or status.tried != entry.generation or now >= status.next_try:
        return ""
    if status.state in (State.ERROR, State.PENDING, State.DRIFT) and status.next_try:
        return f"tried again in {status.next_try - now:.0f} s: {status.error}"
    return ""


def _difference(
    site: str, kind: Kind, entry: Desired, replica: Replica, federation: str
) -> Update | None:
    drained = site in entry.drained
    restored = replica.marks is not None and replica.marks.drained and not drained
    # What needs others to be there goes before them, and comes back in the round after them.
    spec = {
        name: None if drained and name in kind.later else value
        for name, value in entry.spec.items()
        if not (restored and name in kind.later)
    }
    fields = kind.differences(spec, replica.item)
    notes = kind.notes(entry.spec)
    at_anchor = site == entry.anchor
    marks = Marks(entry.global_id, entry.generation, at_anchor, notes, federation, drained)
    unsaid = kind.resource.tagged and replica.marks != marks
    if not fields and not unsaid:
        return None
    reached = replica.marks.generation if replica.marks else 0
    if fields and reached == entry.generation:
        why = "was changed behind our back"
    elif fields:
        why = f"is at generation {reached} of {entry.generation}"
    else:
        why = "does not say what it is"
    return Update(entry, replica, fields, marks, why)


def _is_strayed(kind: Kind, replica: Replica, draft: _Draft) -> bool:
    """Whether it is a part of a second replica, which will go and take it along."""
    part_of = kind.resource.part_of
    whole = draft.found.get(str(replica.item.get(part_of))) if part_of else None
    return whole is not None and whole != replica.local.get(part_of)


def _matched(
    kind: Kind,
    mine: Sequence[Desired],
    there: Sequence[Replica],
    places: Mapping[str, str],
    draft: _Draft,
) -> dict[str, Replica]:
    """Global ID -> the replica there, by the ID map, by marks, by what is unique about it."""
    entries = {entry.global_id: entry for entry in mine}
    found: dict[str, Replica] = {}

    # The one that the map has stands for the object: marks can be forged, and a late call makes a second one.
    def rank(each: Replica) -> tuple[bool, str]:
        return places.get(each.global_id) != each.local_id, str(each.item.get("created_at") or "")

    for replica in sorted(there, key=rank):
        entry = entries.get(replica.global_id)
        if entry is None:
            if replica.marks:
                why = "says it is in our care, and nothing is known of it"
                draft.odd.append(Odd(kind.name, replica.global_id, replica.local_id, why))
        elif replica.item.get("project_id") not in (None, entry.project):
            why = "carries the mark of another project's object"
            draft.odd.append(Odd(kind.name, replica.global_id, replica.local_id, why))
        elif entry.global_id in found and replica.marks and not replica.marks.generation:
            # Only a replica that was never finished. In use it is not empty, and Neutron will say so.
            draft.takes.append(Delete(entry, replica, "was made twice", extra=True))
        elif entry.global_id in found:
            why = f"is a second replica beside {found[entry.global_id].local_id}"
            draft.odd.append(Odd(kind.name, replica.global_id, replica.local_id, why))
        else:
            found[entry.global_id] = replica
    by_nature = _by_nature(kind, there)
    for entry in mine:
        if entry.global_id not in found and (key := kind.natural(entry.spec)) in by_nature:
            found[entry.global_id] = by_nature[key]
    return found


def _by_nature(kind: Kind, replicas: Sequence[Replica]) -> dict[Hashable, Replica]:
    known: dict[Hashable, Replica] = {}
    for replica in replicas:
        key = kind.natural(replica.item)
        if key is not None and replica.marks is None:
            known.setdefault(key, replica)
    return known
