"""Looks now and then for objects that are equal at several sites, and pins them as one.

A site that cannot be asked keeps the part it had: its replicas must not fall out of their groups because it
is away, or the IDs of its images and networks would change, and change back.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from time import monotonic
from typing import Any

import structlog

from adapters.errors import FederationError
from adapters.marks import marks_of
from adapters.spec import Resource, Service
from federator.upkeep.namesakes import LEFT, ORIGIN, equal_pins
from federator.upkeep.survey import Survey
from idmap.front import IdMap
from idmap.store import Pin

log = structlog.get_logger(__name__)

_PATIENCE_SECONDS = 5
"""How long a request waits for its turn to look: another process may be at it, or rebuild the map."""
_TRY_SECONDS = 0.1


@dataclass(slots=True)
class Lookout:
    """Finds namesakes at all sites. Only one process at a time should look."""

    services: Mapping[str, Service]
    surveys: Mapping[str, Survey]
    ids: IdMap
    _seen: dict[tuple[str, str], list[Any]] = field(default_factory=dict)
    """(kind, site) -> the items that decide, as last seen."""
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _began: float = -inf
    """When the last look that came to its end began, on the clock of `time.monotonic`."""

    async def look_alone(self) -> bool:
        """Look, unless another process is at it or rebuilds the map: then False. Raises StoreUnavailable."""
        async with self._turn:
            return await self._look_alone()

    async def look_after(self, moment: float) -> None:
        """Look, unless somebody here has begun to after this moment (on the clock of `time.monotonic`).

        What was seen at two sites until then is one afterwards, if it is equal. If another process rebuilds the
        map all the while, it is left to that. Raises StoreUnavailable.
        """
        end = monotonic() + _PATIENCE_SECONDS
        async with self._turn:
            while self._began < moment and not await self._look_alone():
                if monotonic() > end:
                    return
                await asyncio.sleep(_TRY_SECONDS)

    async def _look_alone(self) -> bool:
        began = monotonic()
        async with self.ids.store.rebuild_lock() as lease:
            if lease is None:
                return False
            await self.look()
        self._began = began
        return True

    async def look(self) -> None:
        """Pin what is equal, unpin what is not any more. The map is locked. Raises StoreUnavailable."""
        pins: list[Pin] = []
        for service in self.services.values():
            for resource in service.resources:
                if resource.equal_by:
                    new = await self._equal(service, resource)
                    # At once: what belongs to these (the rules of a group) is compared by their IDs.
                    await self._put(new)
                    pins += new
        await self._put(pins, replace_origin=ORIGIN)

    async def _put(self, pins: Sequence[Pin], replace_origin: str | None = None) -> None:
        """Write these, but for what has come into the daemons' care since it was looked at."""
        written = False
        while not written:
            seen = self.ids.state
            mine = [pin for pin in pins if not self._is_cared_for(pin)]
            written = await self.ids.store.put_pins(mine, replace_origin=replace_origin, seen=seen)
            await self.ids.refresh()

    def _is_cared_for(self, pin: Pin) -> bool:
        table, kind = self.ids.pins, pin.kind
        owners = {table.global_of(kind, site, local) for site, local in pin.places.items()}
        known = [table.pin(kind, each) for each in (pin.global_id, *owners) if each is not None]
        return any(each is not None and each.anchor for each in known)

    async def _equal(self, service: Service, resource: Resource) -> list[Pin]:
        surveys = self.surveys.values()
        await asyncio.gather(*(self._look_at(survey, service, resource) for survey in surveys))
        sites = [survey.names for survey in surveys]
        known = [
            pin
            for pin in self.ids.pins
            if pin.kind == resource.kind and pin.origin in (LEFT, ORIGIN)
        ]
        found = {site.name: self._seen.get((resource.kind, site.name), []) for site in sites}
        ours = {site.name for site in sites}
        lacks = any(pin.places.keys() - ours for pin in known)
        if not lacks and all((resource.kind, site.name) in self._seen for site in sites):
            return equal_pins(resource, sites, found, [pin for pin in known if pin.origin == LEFT])
        # This process never saw one of the sites, or has it in its settings no more, and it is not removed yet:
        # what others found out about it stays in force.
        return known

    async def _look_at(self, survey: Survey, service: Service, resource: Resource) -> None:
        site = survey.names.name
        try:
            seen = []
            async for items in survey.pages(service, resource, resource.equal_if):
                globals_, _ = survey.ids_of(service, resource, items, self.ids.pins)
                own, parent = resource.id_field, resource.equal_within
                seen += [
                    {**new, own: old[own]}
                    for new, old in zip(globals_, items, strict=True)
                    if marks_of(old) is None  # in the daemons' care, and one by that
                    and all(new.get(name) == value for name, value in resource.equal_if.items())
                    and (not parent or self._is_namesake(str(new.get(parent))))
                ]
            self._seen[resource.kind, site] = seen
        except FederationError as error:
            log.warning("namesakes not looked for", kind=resource.kind, reason=str(error))

    def _is_namesake(self, global_id: str) -> bool:
        """Whether something is one at several sites, and not because the daemons keep it alike there."""
        pin = self.ids.pins.pin(None, global_id)
        return pin is not None and not pin.anchor
