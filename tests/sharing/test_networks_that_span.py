"""A network, its subnet, its router and a group of one tenant, at the sites that need them. All real."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.adversarial.client import Login
from tests.sharing.conftest import Federation

pytestmark = pytest.mark.lab

SECONDS = 60


async def until(look: Callable[[], Awaitable[Any]]) -> Any:
    """The first answer that is true."""
    end = time.monotonic() + SECONDS
    while True:
        found = await look()
        if found:
            return found
        assert time.monotonic() < end, f"still {found!r}"
        await asyncio.sleep(0.3)


async def test_one_network(
    federation: Federation, ada: Login, site_admins: dict[str, Login]
) -> None:
    net = (await ada.do("POST", "network", "/networks", {"network": {"name": "span"}}))["network"]
    new = {"network_id": net["id"], "ip_version": 4, "cidr": "10.61.0.0/24", "name": "sub"}
    sub = (await ada.do("POST", "network", "/subnets", {"subnet": new}))["subnet"]
    port = {"port": {"network_id": net["id"], "name": "p-tokyo"}}
    made = (await ada.do("POST", "network", "/ports", port, site="tokyo"))["port"]
    print(made)
    print(await ada.do("GET", "network", f"/networks/{net['id']}"))
    nets = (await ada.get("network", "/networks?name=span"))["networks"]
    assert [each["id"] for each in nets] == [net["id"]]
    assert made["network_id"] == net["id"]
    assert [each["subnet_id"] for each in made["fixed_ips"]] == [sub["id"]]
    for site, admin in site_admins.items():
        print(
            site,
            [n["name"] for n in (await admin.get("network", "/networks?name=span"))["networks"]],
        )
    for daemon in federation.daemons.values():
        print(daemon.log_tail())
