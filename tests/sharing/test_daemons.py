"""Daemons that are away, that are two, that froze: what is wanted comes to be, once. On real Neutrons."""

import asyncio
import signal
import time

import pytest

from tests.adversarial.client import Login
from tests.sharing.conftest import DaemonProcess, Federation
from tests.sharing.test_networks_that_span import Admins, at_site, make, until

pytestmark = pytest.mark.lab

BOTH = ["paris", "tokyo"]


async def test_a_daemon_that_is_away_keeps_nobody_from_making_things(
    federation: Federation, ada: Login, site_admins: Admins
) -> None:
    async def at(site: str, name: str) -> list[str]:
        found = await at_site(
            site_admins[site], f"/networks?name={name}", "networks", ada.project_id
        )
        return [each["name"] for each in found]

    daemon = federation.daemons["tokyo"]
    daemon.kill()
    try:
        made = await make(ada, "/networks", "network", name="early", availability_zone_hints=BOTH)
        listed = (await ada.get("network", "/networks?name=early"))["networks"]
        assert [each["id"] for each in listed] == [made["id"]]
        assert await at("tokyo", "early") == []
    finally:
        daemon.start()

    async def there() -> bool:
        return await at("tokyo", "early") == ["early"]

    await until(there)
    await ada.do("DELETE", "network", f"/networks/{made['id']}")

    async def gone() -> bool:
        return [await at(site, "early") for site in BOTH] == [[], []]

    await until(gone)


async def test_of_two_daemons_one_works_and_one_that_froze_does_no_harm(
    federation: Federation, ada: Login, site_admins: Admins
) -> None:
    first = federation.daemons["tokyo"]
    first.wait_until_it_leads()
    second = DaemonProcess("tokyo", federation.gateway.config, log="second")
    second.start()
    try:
        made = await make(ada, "/networks", "network", name="twice", availability_zone_hints=BOTH)
        # Somewhere on its way, mostly in the middle of a call.
        first.signal(signal.SIGSTOP)
        names = [f"while-frozen-{number}" for number in range(3)]
        groups = [
            await make(ada, "/security-groups", "security_group", name=name) for name in names
        ]
        await asyncio.to_thread(second.wait_until_it_leads)
        port = await make(
            ada,
            "/ports",
            "port",
            site="tokyo",
            network_id=made["id"],
            security_groups=[each["id"] for each in groups],
            fixed_ips=[],
        )
        await ada.do("PUT", "network", f"/networks/{made['id']}", {"network": {"name": "thrice"}})
        first.signal(signal.SIGCONT)
        await asyncio.to_thread(time.sleep, 3)

        async def once() -> bool:
            nets = await at_site(site_admins["tokyo"], "/networks", "networks", ada.project_id)
            found = await at_site(
                site_admins["tokyo"], "/security-groups", "security_groups", ada.project_id
            )
            seen = sorted(each["name"] for each in found if each["name"] in names)
            return [each["name"] for each in nets] == ["thrice"] and seen == names

        await until(once)
    finally:
        first.signal(signal.SIGCONT)
        second.stop()
    await ada.do("DELETE", "network", f"/ports/{port['id']}")
    await ada.do("DELETE", "network", f"/networks/{made['id']}")
    for each in groups:
        await ada.do("DELETE", "network", f"/security-groups/{each['id']}")

    async def nothing() -> bool:
        left = [
            await at_site(site_admins[site], "/networks", "networks", ada.project_id)
            for site in BOTH
        ]
        return left == [[], []]

    await until(nothing)
