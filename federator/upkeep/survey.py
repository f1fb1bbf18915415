"""Looks through a site by the gateway's own account: every object of every declared kind.

For the upkeep of the ID map only (`federator.upkeep.rebuild`). What it sees is never shown to a tenant.
"""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from adapters.account import Account
from adapters.breakers import Breakers
from adapters.errors import SiteUnreachable
from adapters.marks import is_upkeep
from adapters.names import Outward, Pins
from adapters.names import Site as SiteNames
from adapters.spec import Ids, Resource, Service
from adapters.translate import rewrite_body, shape

PAGE = 500
_ALL: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Survey:
    """One site, seen with the account's eyes."""

    names: SiteNames
    account: Account
    rules: Mapping[str, Ids]
    breakers: Breakers

    async def pages(
        self, service: Service, resource: Resource, only: Mapping[str, object] = _ALL
    ) -> AsyncIterator[list[Any]]:
        """Every object of a kind, page by page, as the site has it; `only` those with these values.

        Nothing if the site does not know the kind (an extension it lacks). Raises SiteUnreachable.
        """
        project = "/{project_id}" if service.project_in_path else ""
        index = resource.index
        for name, value in only.items():
            # What the index asks for of the same name (all images) gives way.
            index = re.sub(rf"(?<=[?&]){re.escape(name)}=[^&]*&?", "", index).rstrip("&?")
            index += f"{'&' if '?' in index else '?'}{quote(name)}={quote(str(value))}"
        path = f"{service.version}{project}{index}"
        limited = bool(resource.order)
        marker = ""
        while True:
            # Requests wait for looks at the sites, and none may wait for one that is away.
            self.breakers.check(self.names.name, service.type)
            query = f"{'&' if '?' in path else '?'}limit={PAGE}" if limited else ""
            query += f"&marker={quote(marker, safe='')}" if marker else ""
            status, body = await self.account.get(
                service.type,
                path + query,
                microversion=resource.index_microversion or self._microversion(service),
            )
            if status in (404, 501) and isinstance(body, dict):
                # In the service's own words; a load balancer without a backend has none.
                return
            if status != 200 or not isinstance(body, dict) or resource.keys not in body:
                raise SiteUnreachable(
                    self.names.name,
                    f"the gateway's account may not list {resource.keys} ({status}); give it the "
                    f"right to GET {service.type} {resource.index}",
                )
            items = body[resource.keys] or []
            yield await self._without_upkeep(
                [item[resource.key] for item in items] if resource.wrapped else items
            )
            # A short page is not the last one: a site may allow fewer items than we ask for.
            if not limited or not items:
                return
            last = str(items[-1][resource.id_field])
            if last == marker:
                # Some lists know no pages and come whole each time (Neutron's agents).
                return
            marker = last

    async def _without_upkeep(self, items: list[Any]) -> list[Any]:
        if not any(is_upkeep(each, str(each.get("project_id"))) for each in items):
            # Whoever has written what.
            return items
        account = await self.account.project_id()
        return [each for each in items if not is_upkeep(each, account)]

    def ids_of(
        self, service: Service, resource: Resource, items: list[Any], pins: Pins
    ) -> tuple[list[Any], set[str]]:
        """The items with global IDs, and the local UUIDs whose way back has to be in the map."""
        out = Outward(self.names, pins, ids=self.rules)
        body = rewrite_body(shape(service, resource), {resource.keys: items}, out.change)
        return body[resource.keys], out.seen

    def _microversion(self, service: Service) -> str | None:
        # Aggregates and services show UUIDs, and flavors their specs, from here on; all sites we know have it.
        return {"compute": "2.61", "block-storage": "3.0"}.get(service.type)
