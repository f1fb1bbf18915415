"""The desired state as the sites themselves tell it, after a loss of the store. Pure.

Replicas carry whose they are, which one is the anchor, and which generation they have reached. What the anchor
shows is what is wanted: the tenant's own token made it so. Rules carry nothing; those that a group has at its
anchor are the group's.

What cannot be known is said, and not guessed:

    no anchor anywhere    it was being deleted, or was deleted at its anchor past the federation. What is left
                          is kept as it is, in quarantine: neither taken away nor made anew anywhere
    a site is unread      whether it has a replica nobody knows. Its daemon does nothing until it has been read
                          (`Desired.unread`); if the anchor may be there, nobody does
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from adapters.marks import marks_of
from idmap.desired import Desired
from idmap.ids import global_uuid, is_uuid
from idmap.pins import PinTable
from idmap.store import BURIED, SHARED, Pin
from sync.driver import SEGMENT, vlan_of
from sync.kind import Kind
from sync.plan import Replica
from sync.share import wholes
from sync.tongue import Tongue

NO_ANCHOR = (
    "no site has its anchor: it was being deleted, or was deleted at its anchor past the federation"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """A site as it was read."""

    tongue: Tongue
    physical_network: str
    objects: Mapping[str, Sequence[Mapping[str, Any]]]
    """Kind -> all its objects, as the site has them."""

    @property
    def site(self) -> str:
        return self.tongue.site.name

    def computed(self, local_id: str) -> str:
        """The global ID of an object that is the site's own."""
        return global_uuid(self.tongue.site.namespace, local_id)


@dataclass(slots=True)
class Restored:
    """What is to be written."""

    entries: list[Desired] = field(default_factory=list)
    """New ones, and those there are (by their version) of which more is known now."""
    pins: list[Pin] = field(default_factory=list)
    segments: dict[int, str] = field(default_factory=dict)
    """VLAN ID -> the network that has it."""
    odd: list[str] = field(default_factory=list)
    """Sentences about what is left alone."""


def restored(
    kinds: Sequence[Kind],
    readings: Sequence[Reading],
    unread: Collection[str],
    pins: PinTable,
    known: Mapping[str, Desired],
    federation: str = "",
) -> Restored:
    """What the replicas of these sites tell. `kinds` in order of dependence, `unread` are the sites not read.

    Those that carry the mark of a federation of another name are not looked at.

    What is `known` already stays as it is, but for what is in quarantine or not fully read.
    """
    work = _Work(tuple(readings), frozenset(unread), pins, known, federation)
    work.care = {gid: entry for gid, entry in known.items() if not entry.quarantined}
    for kind in kinds:
        work.take(kind)
    return work.result


@dataclass(slots=True)
class _Work:
    readings: Sequence[Reading]
    unread: frozenset[str]
    pins: PinTable
    known: Mapping[str, Desired]
    federation: str
    care: dict[str, Desired] = field(default_factory=dict)
    """What is in our care as far as that is known by now."""
    result: Restored = field(default_factory=Restored)

    def take(self, kind: Kind) -> None:
        table = PinTable([*self.result.pins, *self.pins])
        there = {each.site: self._replicas(kind, each, table) for each in self.readings}
        found = self._by_id(kind, there)
        # Those that are gone without a trace are looked at as well.
        lost = {gid for gid, entry in self.known.items() if entry.kind == kind.name} - found.keys()
        for gid in sorted([*found, *lost]):
            before = self.known.get(gid)
            replicas = found.get(gid, {})
            if before is not None and not before.quarantined:
                entry = self._more_of(before, replicas)
            elif replicas:
                entry = self._entry(kind, gid, replicas)
            else:
                assert before is not None
                entry = self._nothing_left(before)
            self._write(kind, entry, before, replicas)

    def _replicas(self, kind: Kind, reading: Reading, table: PinTable) -> list[Replica]:
        found = []
        for item in reading.objects.get(kind.name, ()):
            marks = marks_of(item)
            if marks is None or marks.of == self.federation:
                outward = reading.tongue.outward(kind.resource, item, table)
                found.append(Replica(kind.name, str(item["id"]), outward, item, marks))
        return found

    def _by_id(
        self, kind: Kind, there: Mapping[str, Sequence[Replica]]
    ) -> dict[str, dict[str, Replica]]:
        """Global ID -> site -> replica."""
        found: dict[str, dict[str, list[Replica]]] = {}
        rest: list[tuple[str, Replica]] = []
        for site, replicas in there.items():
            for replica in sorted(replicas, key=_rank):
                if replica.marks is None:
                    rest.append((site, replica))
                elif is_uuid(replica.global_id):
                    found.setdefault(replica.global_id, {}).setdefault(site, []).append(replica)
        belonging = set()
        for site, replica in rest:
            # An anchor that was not marked yet, or can have no tags ...
            if (gid := self._computed(site, replica)) in found:
                found[gid].setdefault(site, []).append(replica)
            # ... and what goes with something of ours.
            elif self._belongs(kind, replica, site):
                belonging.add(gid := str(replica.item["id"]))
                found.setdefault(gid, {}).setdefault(site, []).append(replica)
        mine = {gid: self._of_one_project(kind, gid, each) for gid, each in found.items()}
        self._twins(kind, mine, rest)
        return {
            gid: replicas
            for gid, replicas in mine.items()
            if gid in belonging or any(each.marks for each in replicas.values())
        }

    def _computed(self, site: str, replica: Replica) -> str:
        """The global ID that an object has if it is its site's own."""
        return next(each for each in self.readings if each.site == site).computed(replica.local_id)

    def _belongs(self, kind: Kind, replica: Replica, site: str) -> bool:
        """Whether something without a mark goes with what is in our care and has its anchor here."""
        wholes = [self.care.get(gid) for gid in kind.wholes(replica.item)]
        if not wholes or None in wholes:
            return False
        cared = [each for each in wholes if each is not None]
        if any(each.deleted or each.anchor != site for each in cared):
            return False
        # Rules that an admin added are his, and the group is not.
        projects = {each.project for each in cared}
        return kind.exclusive or projects == {replica.item.get("project_id")}

    def _of_one_project(
        self, kind: Kind, gid: str, there: Mapping[str, Sequence[Replica]]
    ) -> dict[str, Replica]:
        """One of each site, without what carries the mark of another project's object: tags can be forged."""
        owner = self._owner(gid, there)
        mine: dict[str, Replica] = {}
        for site, replicas in there.items():
            for replica in replicas:
                if not kind.exclusive and replica.item.get("project_id") not in (None, owner):
                    self._odd(kind, site, replica, "carries the mark of another project's object")
                elif site in mine:
                    self._odd(kind, site, replica, "is a second replica")
                else:
                    mine[site] = replica
        return mine

    def _owner(self, gid: str, there: Mapping[str, Sequence[Replica]]) -> object:
        """The project whose object it is."""
        if gid in self.known:
            return self.known[gid].project
        for site, replicas in there.items():
            for replica in replicas:
                # The ID that tenants see was made of the anchor's: that cannot be forged.
                if self._computed(site, replica) == gid:
                    return replica.item.get("project_id")
        counted = Counter(
            project
            for replicas in there.values()
            for project in {str(each.item.get("project_id")) for each in replicas}
        )
        return min(counted, key=lambda project: (-counted[project], project))

    def _twins(
        self,
        kind: Kind,
        found: Mapping[str, dict[str, Replica]],
        rest: Sequence[tuple[str, Replica]],
    ) -> None:
        """Parts that carry no mark at other sites either are known by what they say."""
        taken = {(site, each.local_id) for all_ in found.values() for site, each in all_.items()}
        natural = {
            (site, key): replica
            for site, replica in rest
            if (site, replica.local_id) not in taken
            and (key := kind.natural(replica.item)) is not None
        }
        for replicas in found.values():
            first = next(iter(replicas.values()), None)
            if first is None or (key := kind.natural(first.item)) is None:
                continue
            for site in self._where_wholes_are(kind, first):
                if site not in replicas and (site, key) in natural:
                    replicas[site] = natural[site, key]

    def _where_wholes_are(self, kind: Kind, replica: Replica) -> frozenset[str]:
        """The sites at which all is that something goes with; none if it stands for itself."""
        return self._where_whole(kind.wholes(replica.item))

    def _where_whole(self, wholes: Collection[str]) -> frozenset[str]:
        found = [self.care.get(gid) for gid in wholes]
        sites = [each.sites if each is not None else frozenset[str]() for each in found]
        return frozenset.intersection(*sites) if sites else frozenset()

    def _anchor(self, gid: str, replicas: Mapping[str, Replica]) -> str:
        """The site whose replica is the anchor; empty if none is."""
        own = [site for site, replica in replicas.items() if self._computed(site, replica) == gid]
        tagged = [site for site, each in replicas.items() if each.marks and each.marks.anchor]
        first = min(tagged, key=lambda site: (-_reached(replicas[site]), site), default="")
        return own[0] if own else first

    def _entry(self, kind: Kind, gid: str, replicas: Mapping[str, Replica]) -> Desired:
        anchor, why = self._anchor(gid, replicas), ""
        furthest = min(replicas, key=lambda site: (-_reached(replicas[site]), site))
        shown = replicas[anchor or furthest]
        wholes = [self.care.get(whole) for whole in kind.wholes(shown.item)]
        # An interface whose router is drained at its anchor is not there, and belongs there.
        drained_at = [each.anchor for each in wholes if each and each.anchor in each.drained]
        anchor = anchor or next(iter(drained_at), "")
        if not anchor and self.unread:
            away = sorted(self.unread)
            anchor = away[0]
            why = f"its anchor may be at {' or '.join(away)}, which could not be read"
        elif not anchor:
            anchor, why = furthest, NO_ANCHOR
        shown = replicas.get(anchor, shown)
        why = next((each.quarantined for each in wholes if each and each.quarantined), why)
        project = next((each.project for each in wholes if each), shown.item.get("project_id"))
        spec = kind.spec_of({**shown.item, "project_id": project})
        spec |= self._number(kind, replicas, anchor)
        drained = _drained(replicas)
        if anchor in drained and (whole := sorted(replicas.keys() - drained)):
            # What is kept away there is told by those that have it.
            other = kind.spec_of(replicas[whole[0]].item)
            spec |= {name: other[name] for name in kind.later if name in other}
        others = [each for site, each in replicas.items() if site != anchor]
        differs = any(kind.differences(spec, each.item) for each in others)
        generation = max(1, *(_reached(each) for each in replicas.values())) + differs
        # A part is wherever the whole is: half of it would be worse than nothing.
        sites = frozenset({anchor, *replicas}) | self._where_wholes_are(kind, shown)
        before = self.known.get(gid)
        return Desired(
            gid,
            kind.name,
            str(project or ""),
            anchor,
            sites,
            spec,
            max(generation, before.generation if before else 0),
            quarantined=why,
            unread=self.unread,
            drained=drained,
            version=before.version if before else 0,
        )

    def _number(self, kind: Kind, replicas: Mapping[str, Replica], anchor: str) -> dict[str, int]:
        """The VLAN ID of a network. Those that were made by daemons were born with it."""
        if kind.stretch is None or len(replicas) < 2:
            return {}
        for site in sorted(replicas, key=lambda site: (site == anchor, site)):
            reading = next(each for each in self.readings if each.site == site)
            number = vlan_of(replicas[site].local, reading.physical_network)
            if number is not None:
                return {SEGMENT: number}
        return {}

    def _more_of(self, before: Desired, replicas: Mapping[str, Replica]) -> Desired:
        """An entry of which a site had not been read, or to which one has come back that had left."""
        read = before.unread - self.unread
        if before.deleted:
            return replace(before, unread=before.unread & self.unread)
        sites = before.sites | set(replicas) | self._where_whole(wholes(before))
        drained = before.drained | (read & _drained(replicas))
        return replace(before, unread=before.unread & self.unread, sites=sites, drained=drained)

    def _nothing_left(self, before: Desired) -> Desired:
        """Of something in quarantine nothing was found."""
        if self.unread:
            return before
        return replace(before, deleted=True, quarantined="", unread=frozenset())

    def _write(
        self,
        kind: Kind,
        entry: Desired,
        before: Desired | None,
        replicas: Mapping[str, Replica],
    ) -> None:
        self.care[entry.global_id] = entry
        if entry != before:
            self.result.entries.append(entry)
        number = entry.spec.get(SEGMENT)
        if isinstance(number, int) and not entry.deleted:
            holder = self.result.segments.setdefault(number, entry.global_id)
            if holder != entry.global_id:
                self.result.odd.append(
                    f"networks {holder} and {entry.global_id} both have VLAN {number}"
                )
        places = {site: each.local_id for site, each in replicas.items()}
        pin = self.pins.pin(kind.resource.kind, entry.global_id)
        ours = pin if pin is not None and pin.origin in (SHARED, BURIED) else None
        if ours is not None and before is not None:
            # What a daemon wrote is newer than what was read.
            places |= ours.places
        if places:
            origin = BURIED if entry.deleted else SHARED
            new = Pin(entry.global_id, kind.resource.kind, origin, places, anchor=entry.anchor)
            if ours is not None:
                # The IDs of what was one with it at sites that have left are good for life.
                new = replace(new, aliases=ours.aliases, former=ours.former)
            self.result.pins.append(new)

    def _odd(self, kind: Kind, site: str, replica: Replica, why: str) -> None:
        self.result.odd.append(f"{site}: {kind.name} {replica.local_id} {why}")


def _drained(replicas: Mapping[str, Replica]) -> frozenset[str]:
    """The sites whose replicas say that they are drained."""
    return frozenset(site for site, each in replicas.items() if each.marks and each.marks.drained)


def _rank(replica: Replica) -> tuple[int, str]:
    """Of two at one site comes first what got further, then what began earlier."""
    return -_reached(replica), str(replica.item.get("created_at") or "")


def _reached(replica: Replica) -> int:
    return replica.marks.generation if replica.marks else 0
