"""What a round would do at one site: a value that can be printed, guarded and applied. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters.marks import Marks
from idmap.desired import Desired
from sync.driver import How
from sync.ways import Work


@dataclass(frozen=True, slots=True)
class Replica:
    """An object as it was observed at the site."""

    kind: str
    local_id: str
    item: Mapping[str, Any]
    """In global IDs."""
    local: Mapping[str, Any]
    """As the site has it."""
    marks: Marks | None

    @property
    def global_id(self) -> str:
        """Whose replica it says it is, else the ID that tenants see."""
        return self.marks.global_id if self.marks else str(self.item["id"])

    @property
    def revision(self) -> int | None:
        """Of the object, for ``If-Match``."""
        number = self.local.get("revision_number")
        return number if isinstance(number, int) else None


@dataclass(frozen=True, slots=True)
class Create:
    """A replica is missing."""

    desired: Desired
    why: str = "is not there"


@dataclass(frozen=True, slots=True)
class Update:
    """A replica differs, or does not say yet how far it is."""

    desired: Desired
    replica: Replica
    fields: Mapping[str, Any]
    """As they are to be, in global IDs."""
    marks: Marks
    why: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """An object has to be changed in itself, so that other sites can have it too."""

    desired: Desired
    replica: Replica
    how: How
    why: str = "is to be at other sites too"


@dataclass(frozen=True, slots=True)
class Delete:
    """A replica is to be gone."""

    desired: Desired
    """Its own, or that of what it is a part of."""
    replica: Replica
    why: str
    extra: bool = False
    """It is one too many: a second replica, or a part that the object has not. The replica stays."""
    drains: str = ""
    """It stays wanted, and is kept away for now: the global ID of what is drained."""


Change = Create | Update | Stretch | Delete


@dataclass(frozen=True, slots=True)
class Odd:
    """Something that is reported and left alone."""

    kind: str
    global_id: str
    local_id: str
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """All of it, in the order in which it has to be done."""

    site: str
    changes: tuple[Change, ...] = ()
    alike: tuple[tuple[Desired, Replica], ...] = ()
    """Nothing is to be done for these."""
    gone: tuple[Desired, ...] = ()
    """What is to be gone, and is."""
    drained: tuple[Desired, ...] = ()
    """What is kept away for now, and is not there."""
    waiting: Mapping[str, str] = field(default_factory=dict)
    """Global ID -> why nothing is done for it in this round."""
    unfit: Mapping[str, str] = field(default_factory=dict)
    """Global ID -> why it cannot be at several sites."""
    odd: tuple[Odd, ...] = ()
    absent: tuple[Desired, ...] = ()
    """What only Neutron can make here, and has not (`sync.defaults`) ..."""
    parted: tuple[Desired, ...] = ()
    """... and what is another here, and stays so."""
    drift: tuple[Update, ...] = ()
    """What differs, and is only reported (`sync.drift`)."""
    placeholders: tuple[str, ...] = ()
    """What is to be done about `sync.placeholders`, a line each; for people only."""
    transit: Work = field(default_factory=Work)
    """What is to be done so that routers reach the networks of other sites (`sync.transit`)."""
    refused: tuple[str, ...] = ()
    """What the guard has taken out, a sentence each."""

    @property
    def deletions(self) -> tuple[Delete, ...]:
        return tuple(change for change in self.changes if isinstance(change, Delete))


def told(plan: Plan) -> list[str]:
    """The plan for people, a line for each thing."""
    lines = []
    for change in plan.changes:
        entry = change.desired
        name = entry.spec.get("name") or ""
        match change:
            case Create():
                verb, what = "create", ""
            case Update(fields=fields):
                verb, what = "update", ", ".join(sorted(fields)) or "marks"
            case Stretch(how=how):
                verb, what = "stretch", how.value
            case Delete():
                verb, what = "delete", ""
        detail = f" [{what}]" if what else ""
        lines.append(
            f"{plan.site}: {verb} {entry.kind} {entry.global_id} {name}{detail}: {change.why}"
        )
    lines += [
        f"{plan.site}: drained {entry.kind} {entry.global_id}: is kept away until it is restored"
        for entry in plan.drained
    ]
    lines += [
        f"{plan.site}: wait {entry.global_id}: Neutron makes it when its project is at work here"
        for entry in plan.absent
    ]
    lines += [
        f"{plan.site}: drift {each.desired.kind} {each.desired.global_id} [{', '.join(sorted(each.fields))}]"
        for each in plan.drift
    ]
    lines += [f"{plan.site}: {line}" for line in (*plan.placeholders, *plan.transit.told())]
    lines += [f"{plan.site}: wait {gid}: {why}" for gid, why in plan.waiting.items()]
    lines += [f"{plan.site}: cannot stretch {gid}: {why}" for gid, why in plan.unfit.items()]
    lines += [
        f"{plan.site}: leave {o.kind} {o.global_id} ({o.local_id}): {o.why}" for o in plan.odd
    ]
    lines += [f"{plan.site}: refused: {line}" for line in plan.refused]
    return lines or [f"{plan.site}: nothing to do"]
