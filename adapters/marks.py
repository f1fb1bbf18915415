"""What the federation writes on the objects that it keeps alike, so that they are known again. Pure.

Neutron takes tags only once an object is there, so a replica is born with its global ID in the description;
when it has its tags the description becomes the tenant's again. Kinds that know no tags keep the mark behind
their description for good. Tenants see neither.

    federator                   it is in our care
    federator-id:<global ID>    whose replica it is
    federator-anchor            it is the one that the tenant's own token made
    federator-generation:<n>    the generation of the desired state that it has reached
    federator-of:<name>         the federation that has it in its care, if that has a name
    federator-drained           of a router: it is to have no interfaces at its site for now
    federator-own:<from>-<to>   of a subnet: a pool that the tenant wanted; each site has a part of it
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from adapters.transit import transit_of

OURS = "federator"
_ID = "federator-id:"
_ANCHOR = "federator-anchor"
_GENERATION = "federator-generation:"
_OWN = "federator-own:"
_OF = "federator-of:"
_DRAINED = "federator-drained"
_IN_TEXT = re.compile(r" ?\[federator-id:([0-9a-f-]{36})(?: of ([^\]]+))?\]$")

REMOTE = "federation:remote"
"""The `device_owner` of a port that stands for one of another site: Neutron's own and Nova's agents leave such
a port alone, and it is a member of its security groups."""
PLACEHOLDER_FIELDS = ("device_owner", "project_id", "description")
"""What has to be seen of a port to know whether it is one."""

MARKED_FIELDS = ("description", "tags", "project_id")
"""What has to be seen of an object to know whether it is in our care, and who can have written so."""

LONGEST_DESCRIPTION = 255
"""Of Neutron's objects, in characters; our mark takes fifty to ninety of them where there are no tags."""


@dataclass(frozen=True, slots=True)
class Marks:
    """What is written on a replica."""

    global_id: str
    generation: int = 0
    """0: nothing is said of it."""
    anchor: bool = False
    notes: tuple[str, ...] = ()
    """What else it says, tags as they are; sorted."""
    of: str = ""
    """The name of the federation: a site may be in several."""
    drained: bool = False
    """Of a router: its interfaces are kept away from the site."""

    @property
    def tags(self) -> list[str]:
        """The tags that say it."""
        said = [OURS, _ID + self.global_id, f"{_GENERATION}{self.generation}", *self.notes]
        said += [_OF + self.of] if self.of else []
        said += [_DRAINED] if self.drained else []
        return [*said, _ANCHOR] if self.anchor else said


def marks_of(item: Mapping[str, Any]) -> Marks | None:
    """What is written on an object of a site; None if it is not in our care."""
    tags = [tag for tag in item.get("tags") or () if isinstance(tag, str)]
    ids = [tag.removeprefix(_ID) for tag in tags if tag.startswith(_ID)]
    if len(ids) == 1 and OURS in tags:
        numbers = [tag.removeprefix(_GENERATION) for tag in tags if tag.startswith(_GENERATION)]
        generation = max((int(each) for each in numbers if each.isdecimal()), default=0)
        notes = tuple(sorted(tag for tag in tags if tag.startswith(_OWN)))
        of = next((tag.removeprefix(_OF) for tag in tags if tag.startswith(_OF)), "")
        return Marks(ids[0], generation, _ANCHOR in tags, notes, of, _DRAINED in tags)
    found = _IN_TEXT.search(str(item.get("description") or ""))
    return Marks(found.group(1), of=found.group(2) or "") if found else None


def in_text(item: Mapping[str, Any]) -> bool:
    """Whether its mark stands in its description: it was born here, and of kinds with tags is not finished."""
    return bool(_IN_TEXT.search(str(item.get("description") or "")))


def is_placeholder(port: Mapping[str, Any], account: str) -> bool:
    """Whether a port of a site stands there for one of another site.

    `account` is the project of the gateway's account there: the rest anybody may write on a port of his own.
    """
    ours = port.get("device_owner") == REMOTE and port.get("project_id") == account
    return ours and in_text(port)


def is_upkeep(item: Mapping[str, Any], account: str) -> bool:
    """Whether a port, network or subnet of a site is there for the federation alone (see `is_placeholder`)."""
    return is_placeholder(item, account) or transit_of(item, account) is not None


def is_ours(tag: object) -> bool:
    """Whether a tag is one of the federation's."""
    return isinstance(tag, str) and (tag == OURS or tag.startswith(f"{OURS}-"))


def without_marks(tags: Iterable[Any]) -> list[Any]:
    """The tenant's own tags."""
    return [tag for tag in tags if not is_ours(tag)]


def besides(tags: Iterable[Any]) -> list[Any]:
    """The tags that are none of `Marks`: the tenant's own, and the fences of `sync.pools`."""
    said = (_ID, _GENERATION, _OWN, _OF)
    return [
        tag
        for tag in tags
        if not is_ours(tag)
        or (tag not in (OURS, _ANCHOR, _DRAINED) and not str(tag).startswith(said))
    ]


def own_pools(pools: Iterable[Mapping[str, str]]) -> tuple[str, ...]:
    """A tenant's ``allocation_pools`` as tags."""
    return tuple(sorted(f"{_OWN}{pool['start']}-{pool['end']}" for pool in pools))


def pools_in(tags: Iterable[Any]) -> list[dict[str, str]]:
    """The ``allocation_pools`` in tags; empty if there are none."""
    found = [str(tag).removeprefix(_OWN) for tag in tags if str(tag).startswith(_OWN)]
    pairs = [each.partition("-") for each in sorted(found)]
    return [{"start": start, "end": end} for start, dash, end in pairs if dash]


def marked(description: str, global_id: str, of: str = "") -> str:
    """A description with the mark behind it."""
    mark = f" [{_ID}{global_id} of {of}]" if of else f" [{_ID}{global_id}]"
    return description[: LONGEST_DESCRIPTION - len(mark)] + mark


def unmarked(description: str) -> str:
    """The tenant's own description."""
    return _IN_TEXT.sub("", description)
