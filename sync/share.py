"""How an object of one site becomes one that several sites have. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from idmap.desired import Desired
from sync.kind import Kind
from sync.registry import kind_of


def entry_of(
    kind: Kind, item: Mapping[str, Any], anchor: str, sites: Collection[str] = ()
) -> Desired:
    """What is desired once an object of the anchor, in global IDs, is to be at other sites too.

    What Neutron picked when it was made (a CIDR, an MTU, a gateway) is desired from now on.
    """
    everywhere = frozenset({anchor, *sites})
    project = str(item.get("project_id") or "")
    return Desired(str(item["id"]), kind.name, project, anchor, everywhere, kind.spec_of(item))


def at_more_sites(entry: Desired, sites: Collection[str]) -> Desired:
    """The same at further sites. Nothing changes where it is, so it is no new generation."""
    return replace(entry, sites=entry.sites | set(sites))


def changed(entry: Desired, kind: Kind, item: Mapping[str, Any]) -> Desired:
    """The same after the anchor has been changed, and shows itself like this in global IDs."""
    spec = kind.spec_after(entry.spec, item)
    if entry.anchor in entry.drained:
        # What is kept away there for now is not unwanted.
        spec |= {name: entry.spec[name] for name in kind.later if name in entry.spec}
    if spec == entry.spec:
        return replace(entry, changing=0)
    return replace(entry, changing=0, spec=spec, generation=entry.generation + 1)


def goes_with(entry: Desired) -> set[str]:
    """The IDs of what it goes with: if one of these is deleted, Neutron deletes this too."""
    return kind_of(entry.kind).takers(entry.spec)


def wholes(entry: Desired) -> set[str]:
    """The IDs of what it is a part of: without it they are not all that they are."""
    return set(kind_of(entry.kind).wholes(entry.spec))
