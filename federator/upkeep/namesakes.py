"""Objects of several sites that are proved equal become one to the tenant. Pure.

Which kinds may, and by which fields, is said in the service files (`Resource.equal_by`). The one ID is that
of the first site in configured order; the IDs of all replicas stay valid. What comes out are pins: a look-up
on the way of a request, never a comparison.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from adapters.names import Site as SiteNames
from adapters.spec import Ids, Resource
from idmap.ids import global_uuid, is_uuid
from idmap.store import Pin

ORIGIN = "equal"
MADE_ALIKE = "made alike"
"""The origin of pins of what was made at several sites in one go. A look that began before it was made does
not know it and must not drop it; the next one makes the pin its own."""

LEFT = "left"
"""The origin of pins whose ID came from a site that has left the federation, or that one of its replicas had.
Nothing but these pins knows it any more, so no look drops them; it only sees to their places."""

Item = Mapping[str, Any]


def equal_pins(
    resource: Resource,
    sites: Sequence[SiteNames],
    found: Mapping[str, Sequence[Item]],
    left: Collection[Pin] = (),
) -> list[Pin]:
    """The pins of one kind. `found` are each site's items, their references global, their own IDs local.

    A site that could not be asked must be in `found` with what was last known of it, else its replicas would
    fall out of their groups. `left` are the pins of this kind with an ID of before (`LEFT`): a group that one
    of them has a part in keeps that ID.
    """
    groups: dict[bytes, dict[str, str]] = {}
    for site in sites:
        for item in found.get(site.name, ()):
            proof = _proof(resource, item)
            if proof is not None:
                # Two equal objects at one site stay two; the first of them stands for the site.
                groups.setdefault(proof, {}).setdefault(site.name, str(item[resource.id_field]))
    pins = []
    for places in groups.values():
        if len(places) > 1:
            first = next(site for site in sites if site.name in places)
            pins.append(Pin(_global(first, places[first.name]), resource.kind, ORIGIN, places))
    pins = _inherited(sites, found, resource.id_field, pins, left)
    if resource.ids is Ids.CHOSEN:
        pins += _clashes(resource, sites, found, pins)
    return pins


def _inherited(
    sites: Sequence[SiteNames],
    found: Mapping[str, Sequence[Item]],
    id_field: str,
    pins: Sequence[Pin],
    left: Collection[Pin],
) -> list[Pin]:
    """The pins, with the IDs of before instead of new ones wherever there is one."""
    groups = {(site, local): pin for pin in pins for site, local in pin.places.items()}
    seen = {(site, str(item[id_field])) for site, items in found.items() for item in items}
    heirs = []
    for pin in left:
        first = next((site.name for site in sites if site.name in pin.places), None)
        group = groups.get((first, pin.places[first])) if first is not None else None
        if group is not None:
            # Two pins may have come to one group: then both say the same, and the first of them is shown.
            places = group.places
        else:
            # They are equal no more. Of what is not seen (a private image, say) that cannot be known.
            places = {s: i for s, i in pin.places.items() if s == first or (s, i) not in seen}
        heirs.append(replace(pin, places=places))
    taken = {place for heir in heirs for place in heir.places.items()}
    return [*heirs, *(pin for pin in pins if not pin.places.items() & taken)]


def unnoticed(
    resource: Resource,
    lists: Sequence[Sequence[Item]],
    is_kept: Callable[[str], bool] = lambda global_id: False,
) -> bool:
    """Whether lists of different sites, IDs and all in global form, show equal objects that are not one yet.

    Of what `is_kept` alike by daemons they say who is one.
    """
    if not resource.equal_by or resource.equal_within:
        return False
    seen: dict[bytes, list[set[object]]] = {}
    for items in lists:
        here: dict[bytes, set[object]] = {}
        for item in items:
            proof = _proof(resource, item)
            if proof is not None and not is_kept(str(item.get(resource.id_field))):
                here.setdefault(proof, set()).add(item.get(resource.id_field))
        for proof, ids in here.items():
            seen.setdefault(proof, []).append(ids)
    return any(len(each) > 1 and not set.intersection(*each) for each in seen.values())


def _proof(resource: Resource, item: Item) -> bytes | None:
    if any(item.get(name) != value for name, value in resource.equal_if.items()):
        return None
    if not item.get(resource.equal_by[0]):
        return None
    values = {name: item[name] for name in resource.equal_by if name in item}
    return orjson.dumps(values, option=orjson.OPT_SORT_KEYS)


def _global(site: SiteNames, local_id: str) -> str:
    return global_uuid(site.namespace, local_id) if is_uuid(local_id) else local_id


def _clashes(
    resource: Resource,
    sites: Sequence[SiteNames],
    found: Mapping[str, Sequence[Item]],
    pins: Sequence[Pin],
) -> list[Pin]:
    """Chosen IDs that mean different things at different sites: the later site's gets ``@site``."""
    pinned = {(site, local): pin.global_id for pin in pins for site, local in pin.places.items()}
    taken: dict[str, str] = {pin.global_id: "" for pin in pins}
    more = []
    for site in sites:
        for item in found.get(site.name, ()):
            own = str(item[resource.id_field])
            if is_uuid(own) or (site.name, own) in pinned:
                continue
            if own in taken:
                places = {site.name: own}
                more.append(Pin(f"{own}@{site.name}", resource.kind, ORIGIN, places))
            else:
                taken[own] = site.name
                # Said outright, so that nobody asks the other sites for it.
                more.append(Pin(own, resource.kind, ORIGIN, {site.name: own}))
    return more
