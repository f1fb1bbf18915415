"""One subnet at two real Neutrons of two releases: both give out addresses while chunks go from one to the
other."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from adapters.account import Account
from adapters.sites import load_sites
from idmap.memory_ledgers import MemoryLedgerStore
from sync.ipam.balance import hungry, prepared
from sync.ipam.claims import claimed
from sync.ipam.form import pools_of, ranges_of
from sync.ipam.ledger import Ledger
from sync.ipam.life import opened, with_site, with_site_leaving, without_site
from sync.ipam.ranges import holds, number, text
from sync.ipam.refused import Refused
from sync.ledgers import change, new_epoch, open_ledger, read
from sync.patience import Patience
from sync.pools import keep_pools

SITES = ["paris", "tokyo"]
CIDR, GATEWAY = "10.77.0.0/24", number("10.77.0.1")
PORTS = 100
"""At each site: together they need four fifths of the subnet."""
GRACE = 10.0
"""Seconds. A bulk of ten ports takes two at a busy site here."""


@dataclass
class Site:
    """A site's Neutron with one network of the test."""

    account: Account
    project: str
    network: str
    subnet: str = ""
    addresses: list[str] = field(default_factory=list)
    refused: int = 0

    @property
    def name(self) -> str:
        return self.account.site

    async def request(
        self, method: str, path: str, json: object = None, *, revision: int | None = None
    ) -> tuple[int, Any]:
        headers = {} if revision is None else {"If-Match": f"revision_number={revision}"}
        found = await self.account.request(method, "network", path, json, headers=headers)
        return found.status, found.json

    async def make_subnet(self, pools: list[dict[str, str]] | None) -> dict[str, Any]:
        body: dict[str, Any] = {
            "network_id": self.network,
            "ip_version": 4,
            "cidr": CIDR,
            "gateway_ip": text(GATEWAY, 4),
        }
        if pools is not None:
            body["allocation_pools"] = pools
        status, answer = await self.request("POST", "/v2.0/subnets", {"subnet": body})
        assert status == 201, answer
        self.subnet = answer["subnet"]["id"]
        return dict(answer["subnet"])

    async def pools(self) -> list[dict[str, str]]:
        _, answer = await self.request("GET", f"/v2.0/subnets/{self.subnet}")
        return list(answer["subnet"]["allocation_pools"])

    async def ports(self) -> list[dict[str, Any]]:
        path = f"/v2.0/ports?network_id={self.network}&fields=id&fields=fixed_ips"
        return list((await self.request("GET", path))[1]["ports"])

    async def clean(self) -> None:
        limit = asyncio.Semaphore(4)

        async def delete(port: str) -> None:
            async with limit:
                await self.request("DELETE", f"/v2.0/ports/{port}")

        await asyncio.gather(*(delete(each["id"]) for each in await self.ports()))
        status, answer = await self.request("DELETE", f"/v2.0/networks/{self.network}")
        assert status == 204, answer


@asynccontextmanager
async def _site(account: Account) -> AsyncIterator[Site]:
    body = {"network": {"name": "addresses", "port_security_enabled": False}}
    answer = await account.post("network", "/v2.0/networks", body)
    assert answer.status == 201, answer
    site = Site(account, await account.project_id(), answer.json["network"]["id"])
    try:
        yield site
    finally:
        await site.clean()
        account.close()


@dataclass
class Federation:
    """The two sites, one ledger, and what would be their daemons."""

    paris: Site
    tokyo: Site
    subnet: str = field(default_factory=lambda: str(uuid4()))
    ledgers: MemoryLedgerStore = field(default_factory=MemoryLedgerStore)
    patience: dict[str, Patience] = field(
        default_factory=lambda: {site: Patience(GRACE) for site in SITES}
    )

    @property
    def sites(self) -> list[Site]:
        return [self.paris, self.tokyo]

    async def keep(self, site: Site) -> float:
        done = await keep_pools(
            site,
            self.ledgers,
            self.patience[site.name],
            self.subnet,
            site.name,
            site.subnet,
            account=site.project,
        )
        assert not done.refused
        assert not done.conflicts
        return done.again or 0.0

    async def ledger(self) -> Ledger:
        ledger = await read(self.ledgers, self.subnet)
        assert ledger is not None
        return ledger

    async def keep_always(self, site: Site) -> None:
        while True:
            await self.keep(site)
            await asyncio.sleep(0.5)


@pytest.fixture
async def federation(lab: Path) -> AsyncIterator[Federation]:
    found = load_sites(lab, SITES)
    async with (
        _site(Account(found["paris"], timeout=120)) as paris,
        _site(Account(found["tokyo"], timeout=120)) as tokyo,
    ):
        yield Federation(paris, tokyo)


@pytest.mark.timeout(1200)
async def test_two_neutrons_give_no_address_out_twice(federation: Federation) -> None:
    paris, tokyo = federation.sites
    anchor = await paris.make_subnet(None)
    await _stretch(federation, anchor)
    keepers = [asyncio.create_task(federation.keep_always(site)) for site in federation.sites]
    try:
        async with asyncio.TaskGroup() as tasks:
            for site in federation.sites:
                for _ in range(PORTS // 20):
                    tasks.create_task(_ports(federation, site, 10))
                for _ in range(PORTS // 2):
                    tasks.create_task(_ports(federation, site, 1))
    finally:
        for keeper in keepers:
            keeper.cancel()
        ended = await asyncio.gather(*keepers, return_exceptions=True)
    assert all(isinstance(each, asyncio.CancelledError) for each in ended), ended

    listed = [
        each["ip_address"]
        for site in federation.sites
        for port in await site.ports()
        for each in port["fixed_ips"]
    ]
    assert Counter(listed).most_common(1)[0][1] == 1
    assert len(listed) == 2 * PORTS
    assert sorted(listed) == sorted(paris.addresses + tokyo.addresses)
    ledger = await federation.ledger()
    for site in federation.sites:
        assert {ledger.owner(number(each)) for each in site.addresses} == {site.name}
    assert ledger.version > 10, "chunks have moved"
    assert tokyo.refused or paris.refused, "both were short of addresses at times"
    await _explicit(federation)
    await _leave(federation)


async def _stretch(federation: Federation, anchor: dict[str, Any]) -> None:
    """As the daemons do it: the ledger, the site that joins, its replica with what it was given."""
    first = opened(
        federation.subnet,
        new_epoch(),
        CIDR,
        GATEWAY,
        ranges_of(anchor["allocation_pools"]),
        ["paris"],
        shared=[GATEWAY],
        has={"paris": ranges_of(anchor["allocation_pools"])},
    )
    assert await open_ledger(federation.ledgers, first)
    await change(federation.ledgers, federation.subnet, lambda now: with_site(now, "tokyo"))
    while True:
        ledger = await change(
            federation.ledgers, federation.subnet, lambda now: prepared(now, "tokyo")
        )
        assert ledger is not None
        if ledger.leased("tokyo"):
            break
        await asyncio.sleep(min(1.0, await federation.keep(federation.paris)))
    await federation.tokyo.make_subnet(pools_of(ledger.leased("tokyo"), 4))
    assert await federation.tokyo.pools() == pools_of(ledger.leased("tokyo"), 4)
    assert await federation.paris.pools() == pools_of(ledger.leased("paris"), 4)


async def _ports(federation: Federation, site: Site, count: int) -> None:
    """So many ports in one call, as soon as the site has so many addresses."""
    body = {"ports": [{"network_id": site.network, "name": "addresses"}] * count}
    while True:
        status, answer = await site.request("POST", "/v2.0/ports", body)
        if status == 201:
            site.addresses += [each["fixed_ips"][0]["ip_address"] for each in answer["ports"]]
            return
        assert status == 409, answer
        assert answer["NeutronError"]["type"] == "IpAddressGenerationFailure", answer
        site.refused += 1
        await change(
            federation.ledgers, federation.subnet, lambda now: hungry(now, site.name, count)
        )
        await asyncio.sleep(1)


async def _explicit(federation: Federation) -> None:
    """Neutron would give an address of tokyo's away at paris; the ledger would not."""
    theirs = federation.tokyo.addresses[0]
    with pytest.raises(Refused):
        claimed(await federation.ledger(), number(theirs), "paris")


async def _leave(federation: Federation) -> None:
    """tokyo leaves: nothing of it is free as long as a port has it, and all when it is gone."""
    paris, tokyo = federation.sites
    await change(federation.ledgers, federation.subnet, lambda now: with_site_leaving(now, "tokyo"))
    await federation.keep(tokyo)
    assert await tokyo.pools() == []
    one = number(tokyo.addresses[0])
    assert not holds((await federation.ledger()).stock(), one)
    ledger = await change(
        federation.ledgers, federation.subnet, lambda now: without_site(now, "tokyo")
    )
    assert ledger is not None
    assert holds(ledger.stock(), one)
    assert paris.addresses
