"""Where the things live that a call speaks of: in its path, its query and its body.

One round trip to the ID map at most, none when the map's cache is warm.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain

from adapters.identity import Identity
from adapters.names import Site as SiteNames
from adapters.names import stated_site
from adapters.queries import ids_in_query
from adapters.spec import ANY, PROJECT, USER, ZONE, Ids
from adapters.translate import Shape, ids_in_action, ids_in_body
from federator import metrics
from federator.call import Call
from federator.faults import NotFound, Unavailable
from federator.paging import filters_by_name
from federator.plan import Places, Whereabouts
from idmap.front import IdMap
from idmap.ids import global_uuid, is_uuid
from idmap.store import BURIED, Lookup, Pin

Mention = tuple[str, str | int]
"""(kind, ID) as it stands in a call."""


@dataclass(frozen=True, slots=True)
class Locator:
    """Finds whereabouts with the ID map. `names` are all sites in configured order."""

    ids: IdMap
    names: tuple[SiteNames, ...]
    rules: Mapping[str, Ids]
    _ours: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ours", frozenset(site.name for site in self.names))

    async def whereabouts(self, call: Call, shape: Shape | None, identity: Identity) -> Whereabouts:
        """Where a call's IDs live.

        Raises NotFound if an ID of the path was never handed out, Unavailable if that cannot be known now.
        """
        queries = (
            [ids_in_query(shape, each) for each in filters_by_name(call.query)] if shape else []
        )
        body = _ids_in_body(call, shape)
        lookup = await self._looked_up([*call.path_ids, *chain(*queries), *body])
        path: dict[str, Places] = {}
        filters = [self._known(query, lookup, identity) for query in queries]
        for kind, value in call.path_ids:
            places = self._places(kind, value, lookup, identity)
            if places is None:
                continue
            if kind in (PROJECT, USER):
                # The quotas of a project are at every site that has the project: a filter, not an owner.
                filters.append({str(value): places})
                continue
            if not places:
                _unknown_in_path(call, str(value), lookup)
            path[str(value)] = places
        zones = [str(value) for kind, value in body if kind == ZONE]
        return Whereabouts(
            path=path,
            filters=filters,
            body=self._known(body, lookup, identity),
            kinds={str(value): kind for kind, value in body},
            anchors=self.anchors(ANY, [*path, *(str(value) for _, value in body)]),
            zone=zones[0] if zones else "",
            zone_sites=self._zone_sites(zones),
        )

    async def places(self, kind: str, ids: Iterable[str], identity: Identity) -> dict[str, Places]:
        """Where things of one kind live; those that nobody knows do not appear. Raises Unavailable."""
        mentions = [(kind, each) for each in ids]
        return self._known(mentions, await self._looked_up(mentions), identity)

    def shown(self, site: str, local_id: str) -> str:
        """The global ID of an object of a site, a UUID, in the one spelling that it is shown in."""
        pinned = self.ids.pins.global_of(ANY, site, local_id)
        namespace = next(each.namespace for each in self.names if each.name == site)
        return pinned or global_uuid(namespace, local_id)

    def anchors(self, kind: str, ids: Iterable[str]) -> dict[str, str]:
        """ID -> the site of the anchor, of those that are shared objects."""
        found = {each: self.ids.pins.pin(None if kind == ANY else kind, each) for each in ids}
        return {each: pin.anchor for each, pin in found.items() if pin is not None and pin.anchor}

    def shared(self, kind: str, global_id: str) -> Pin | None:
        """Where a shared object is, and its anchor; None if it is none."""
        pin = self.ids.pins.pin(kind, global_id)
        return pin if pin is not None and pin.anchor else None

    async def _looked_up(self, mentions: Iterable[Mention]) -> Lookup:
        wanted = {
            str(value)
            for kind, value in mentions
            if kind not in (PROJECT, USER, ZONE) and is_uuid(value)
        }
        if not wanted:
            return Lookup({}, complete=True)
        lookup = await self.ids.locate(wanted)
        metrics.counter(metrics.CACHE, "id map", "hit").inc(len(wanted) - lookup.asked)
        metrics.counter(metrics.CACHE, "id map", "miss").inc(lookup.asked)
        return lookup

    def _known(
        self, mentions: Iterable[Mention], lookup: Lookup, identity: Identity
    ) -> dict[str, Places]:
        """The places of IDs in queries and bodies. What nobody knows is left for the site to complain of."""
        known: dict[str, Places] = {}
        for kind, value in mentions:
            places = self._places(kind, value, lookup, identity)
            if places:
                known[str(value)] = places
            elif places is not None and is_uuid(value) and not lookup.complete:
                raise Unavailable(f"Whether {value} exists cannot be known just now.")
        return known

    def _places(
        self, kind: str, value: str | int, lookup: Lookup, identity: Identity
    ) -> Places | None:
        """Site -> local ID; empty if nobody knows the ID; None if it is not at any one site."""
        text = str(value)
        if kind in (PROJECT, USER):
            return self._places_of_owner(kind, text, identity)
        rule = self.rules.get(kind, Ids.UUID)
        if kind == ZONE or rule is Ids.NAME or not text:
            return None
        if text in lookup.pinned:
            return self._alive(lookup.pinned[text])
        if text in lookup.found:
            found = lookup.found[text]
            # The ID of a replica, or the one it had before it was known to be one, is a way to all of it.
            shown = self.ids.pins.global_of(kind, found.site, found.local_id)
            pin = self.ids.pins.pin(kind, shown) if shown is not None else None
            return self._alive(pin) if pin is not None else {found.site: found.local_id}
        if is_uuid(value):
            return {}
        if rule is Ids.CHOSEN:
            return self._places_of_name(kind, text)
        site = stated_site(kind, value, self.names) if "@" not in text else None
        if site is not None:
            return {site.name: text}
        # A number of no site of ours, or a name where only an ID can stand.
        return {} if rule is Ids.NUMBER or kind != ANY else None

    def _places_of_name(self, kind: str, name: str) -> Places:
        """A chosen name (flavor ``1``): by its pin, by the site it states, else any site may have it."""
        pin = self.ids.pins.pin(kind, name)
        if pin is not None:
            return self._alive(pin)
        site = stated_site(kind, name, self.names)
        if site is not None:
            return {site.name: name.removesuffix("@" + site.name)}
        return {site.name: name for site in self.names}

    def _places_of_owner(self, kind: str, value: str, identity: Identity) -> Places | None:
        """The caller's own project and user are everywhere; others where the mapping made them."""
        if value in (identity.project_id, identity.user_id):
            return None
        pin = self.ids.pins.pin(kind, value)
        return (self._alive(pin) or None) if pin is not None else None

    def _alive(self, pin: Pin) -> Places:
        """The places of a pinned object; none of one that is being deleted everywhere.

        Nor those at sites that are none of ours any more, and have not been removed yet.
        """
        if pin.origin == BURIED:
            return {}
        if self._ours.issuperset(pin.places):
            return pin.places
        return {site: place for site, place in pin.places.items() if site in self._ours}

    def _zone_sites(self, zones: list[str]) -> frozenset[str] | None:
        """The sites that the zones of a body name; None if they name none.

        ``nova`` alone names none, nor does a zone that nobody knows: the site that gets it will complain,
        or make it if this is an aggregate that brings a zone into being.
        """
        stated = (stated_site(ZONE, zone, self.names) for zone in zones)
        return frozenset(site.name for site in stated if site is not None) or None


def _ids_in_body(call: Call, shape: Shape | None) -> list[Mention]:
    if call.body is None or shape is None:
        return []
    if call.is_action:
        return ids_in_action(shape, call.body)
    return ids_in_body(shape, call.body, request=True)


def _unknown_in_path(call: Call, value: str, lookup: Lookup) -> None:
    if is_uuid(value) and not lookup.complete:
        raise Unavailable(f"Whether {value} exists cannot be known just now.")
    noun = call.resource.key.replace("_", " ").capitalize() if call.resource else "Object"
    raise NotFound(f"{noun} {value} could not be found.")
