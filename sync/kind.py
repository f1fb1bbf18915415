"""The words of a shared kind: what its declaration in adapters/services does not say.

Most kinds need none of this: their fields are compared, sent and translated as they are declared. A file in
`sync.kinds` says what is odd about one.
"""

from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from adapters.marks import unmarked
from adapters.spec import Resource
from sync.driver import Ground, How

Item = Mapping[str, Any]
"""An object or a spec, in global IDs."""


class Hand(Protocol):
    """What does things at one site, in its own IDs (`sync.cloud`)."""

    async def call(
        self, method: str, path: str, json: object = None, *, revision: int | None = None
    ) -> Any:
        """The body of the answer. Raises Refused for a status of 400 and more, SiteUnreachable."""
        ...


Create = Callable[[Hand, dict[str, Any], Mapping[str, Any] | None], Awaitable[Mapping[str, Any]]]
"""Makes an object of these fields, in the site's own IDs, or goes on with one that was begun; gives what the
site made of it."""
Change = Callable[[Hand, Mapping[str, Any], dict[str, Any]], Awaitable[None]]
"""Changes these fields of an object as it was observed, all in the site's own IDs."""
Refusal = Callable[[Hand, Mapping[str, Any], Mapping[str, Any], int], Awaitable[None]]
"""Looks into why a site refuses to change fields of an object, with this status: raises what says more."""
Delete = Callable[[Hand, Mapping[str, Any]], Awaitable[None]]


OnGround = Callable[[Ground, dict[str, Any]], dict[str, Any]]
"""Fields to make an object with, as this site needs them. Raises Unfit."""
Stretch = Callable[[Ground, Item, Mapping[str, Any], bool], How]
"""(what the site offers, the spec, the object as the site has it, whether anything is plugged into it).
Raises Unfit."""


def as_they_are(item: Item) -> Item:
    """Nothing is odd about the fields."""
    return item


def by_marks_only(item: Item) -> Hashable | None:
    """Objects of this kind are known by their marks alone."""
    return None


def never_begun(item: Item) -> bool:
    """What is there is there."""
    return False


def nothing_else(spec: Item) -> tuple[str, ...]:
    """Nothing is written on replicas but whose they are."""
    return ()


@dataclass(frozen=True, slots=True)
class Kind:
    """One shared kind as the daemons treat it."""

    name: str
    resource: Resource
    """How its objects are listed and translated."""
    synced: tuple[str, ...]
    born: tuple[str, ...]
    called: str = ""
    """What people call one, where that is not its name."""
    after: tuple[str, ...] = ()
    """The kinds that have to be there before, in any order."""
    told: frozenset[str] = frozenset()
    """Fields that only the federation is told: what the anchor shows of them may be older."""
    at_anchor: frozenset[str] = frozenset()
    """Fields that an object is made with at its anchor only: at other sites there is what came of them."""
    only: str = ""
    """The query that lists no others."""
    within: tuple[str, ...] = ()
    """The fields with all that it goes with, where it is a part of more than its declaration says."""
    natural: Callable[[Item], Hashable | None] = by_marks_only
    """What no two objects of a site have in common: by it a replica without marks is known. None: nothing."""
    begun: Callable[[Item], bool] = never_begun
    """Whether an object of a site was only begun to be made (a port that is no interface yet)."""
    goes_with: tuple[str, ...] = ()
    """The fields that name what it goes with: if that is deleted, Neutron deletes this too."""
    drains_with: str = ""
    """The field that names what it is kept away with where that is drained."""
    users: str = ""
    """The beginning of the query for the ports that use one: the rest is its ID."""
    normal: Callable[[Item], Item] = as_they_are
    """The fields of an object as they are compared: without what each site adds of its own."""
    later: frozenset[str] = frozenset()
    """Fields that an object cannot have before others are there (routes, before the interfaces)."""
    notes: Callable[[Item], tuple[str, ...]] = nothing_else
    """What is written on a replica of this spec beside whose it is. Raises Unfit."""
    tags_at: str = ""
    """Below what its tags are written, where that is not its own path."""
    adoptable: bool = False
    """Whether those of several sites that are alike can become one: no site gives out anything of it."""
    exclusive: bool = False
    """A replica of what they are parts of has no others: those that are there besides are taken away."""
    on_ground: OnGround | None = None
    stretch: Stretch | None = None
    create: Create | None = None
    tidy: Delete | None = None
    """Takes away what Neutron has made along with one of ours, before it is said to be finished."""
    change: Change | None = None
    refused: Refusal | None = None
    delete: Delete | None = None

    @property
    def path(self) -> str:
        """Below Neutron's root."""
        return f"/v2.0{self.resource.path}"

    @property
    def noun(self) -> str:
        """What people call one: as a sentence begins."""
        return self.called or self.name.replace("_", " ").capitalize()

    @property
    def tags_path(self) -> str:
        """Below what the tags of one are written."""
        return f"/v2.0{self.tags_at}" if self.tags_at else self.path

    def wholes(self, item: Item) -> tuple[str, ...]:
        """Global IDs of what an object goes with (the network of a subnet); none if it stands for itself."""
        fields = self.within or tuple(filter(None, [self.resource.part_of]))
        return tuple(str(item.get(name)) for name in fields)

    def takers(self, item: Item) -> set[str]:
        """Global IDs of what takes an object along if it is deleted."""
        return {str(item[name]) for name in self.goes_with if item.get(name)}

    def spec_of(self, item: Item) -> dict[str, Any]:
        """What is kept alike of an object."""
        normal = self.normal(item)
        spec = {name: normal[name] for name in (*self.born, *self.synced) if name in normal}
        if "description" in spec:
            spec["description"] = unmarked(str(spec["description"] or ""))
        return spec

    def spec_after(self, spec: Item, item: Item) -> dict[str, Any]:
        """What is kept alike after an object was changed at its anchor, which shows it like this now."""
        shown = self.spec_of(item)
        known = {name for name in self.told if name in spec and name not in item}
        return {**spec, **{name: value for name, value in shown.items() if name not in known}}

    def differences(self, spec: Item, item: Item) -> dict[str, Any]:
        """The fields that have to be changed, as they are to be. A field that the site does not know is not."""
        there = dict(self.normal(item))
        if not self.resource.tagged and "description" in there:
            there["description"] = unmarked(str(there["description"] or ""))
        return {
            name: spec[name]
            for name in self.synced
            if name in spec
            and name in there
            and _comparable(spec[name]) != _comparable(there[name])
        }


def _comparable(value: Any) -> Any:
    """The same for lists that Neutron gives in no order of its own, and for empty and none."""
    if isinstance(value, list):
        return sorted((_comparable(each) for each in value), key=repr) or None
    if isinstance(value, dict):
        return {name: _comparable(each) for name, each in value.items()}
    return value or None if value is not False and value != 0 else value
