"""What all sites say of themselves, for the checks that compare them: read once, however many ask."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters.abilities import Abilities
from adapters.account import Account
from adapters.errors import SiteError
from adapters.extensions import Extensions
from adapters.probe import Probe
from adapters.registry import all_quirks
from adapters.spec import Service

Fetch = Callable[[str, str], Awaitable[tuple[int, bytes]]]
"""(site, URL) -> status and body of a GET without a token."""

Rows = list[dict[str, Any]]

_SAMPLE = 500
"""So many networks or ports show what a site makes."""


@dataclass(frozen=True, slots=True)
class Ward:
    """The sites, in configured order."""

    accounts: Mapping[str, Account]
    services: Mapping[str, Service]
    fetch: Fetch
    segments: str = ""
    """The VLAN IDs for networks that span sites, as they are set."""
    _asked: dict[tuple[str, str], "asyncio.Task[Any]"] = field(default_factory=dict)

    async def abilities(self) -> Abilities:
        """What their services can do. A site that does not answer counts as one that said nothing."""
        found: Abilities = await self._once("", "abilities", self._read_abilities)
        return found

    async def networks(self, site: str) -> Rows:
        """Its networks: type and MTU. Empty if they cannot be read."""
        return await self._rows(site, "networks") or []

    async def ports(self, site: str) -> Rows:
        """Some of its ports: MAC address and owner. Empty if they cannot be read."""
        return await self._rows(site, "ports") or []

    async def vlan_ranges(self, site: str) -> Rows | None:
        """From which VLAN IDs its Neutron takes one; None if it does not tell."""
        return await self._rows(site, "network_segment_ranges")

    def others(self, site: str) -> list[str]:
        """All sites but this one."""
        return [name for name in self.accounts if name != site]

    async def _rows(self, site: str, keys: str) -> Rows | None:
        found: Rows | None = await self._once(site, keys, lambda: self._read(site, keys))
        return found

    async def _once(
        self, site: str, what: str, read: Callable[[], Coroutine[Any, Any, Any]]
    ) -> Any:
        task = self._asked.get((site, what))
        if task is None:
            task = self._asked[site, what] = asyncio.create_task(read())
        return await task

    async def _read(self, site: str, keys: str) -> Rows | None:
        account = self.accounts[site]
        if "network" not in await endpoints_of(account):
            return None
        try:
            if keys == "networks":
                path = f"/v2.0/networks?limit={_SAMPLE}&fields=mtu&fields=provider:network_type"
                answer = await account.get("network", path)
            elif keys == "ports":
                path = f"/v2.0/ports?limit={_SAMPLE}&fields=mac_address&fields=device_owner"
                answer = await account.get("network", path)
            else:
                answer = await account.get("network", "/v2.0/network_segment_ranges")
        except SiteError:
            return None
        rows = answer.json.get(keys) if isinstance(answer.json, dict) else None
        if answer.status != 200 or not isinstance(rows, list):
            return None
        return [each for each in rows if isinstance(each, dict)]

    async def _read_abilities(self) -> Abilities:
        endpoints = {site: await endpoints_of(each) for site, each in self.accounts.items()}
        probe = Probe(self.fetch, endpoints, self.services.values())
        extensions = Extensions(self.services)
        await asyncio.gather(
            probe.refresh(),
            *(extensions.refresh(self.accounts[site], urls) for site, urls in endpoints.items()),
        )
        return Abilities(probe, extensions, tuple(self.accounts), all_quirks())


async def endpoints_of(account: Account) -> Mapping[str, str]:
    """Service type -> URL; nothing of a site that cannot be asked: another check says so."""
    try:
        return await account.endpoints()
    except SiteError:
        return {}
