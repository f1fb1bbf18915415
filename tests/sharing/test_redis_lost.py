"""Redis has lost everything: afterwards it is as before, at real sites. Nothing is doubled or resurrected."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
import requests

from adapters.marks import marks_of
from tests.adversarial.client import Login
from tests.sharing.conftest import Federation

pytestmark = pytest.mark.lab

SECONDS = 300
"""Nothing is said by how long it takes: other tests may keep the sites busy."""
PATHS = {
    "network": "/networks",
    "subnet": "/subnets",
    "security_group": "/security-groups",
}


@dataclass
class Shared:
    """What a tenant has at paris and tokyo."""

    ids: dict[str, str]
    port: str
    """Plugged in at tokyo."""
    rule: str


async def until(look: Callable[[], Awaitable[Any]]) -> Any:
    """The first answer that is true."""
    end = time.monotonic() + SECONDS
    while True:
        found = await look()
        if found:
            return found
        assert time.monotonic() < end, f"still {found!r}"
        await asyncio.sleep(0.3)


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def shared(ada: Login, federation: Federation) -> AsyncIterator[Shared]:
    async def make(kind: str, **fields: Any) -> str:
        body = {kind: {"name": "kept", **fields}}
        return str((await ada.do("POST", "network", PATHS[kind], body))[kind]["id"])

    network = await make("network")
    subnet = await make("subnet", network_id=network, ip_version=4, cidr="10.62.0.0/24")
    group = await make("security_group")
    rule = await new_rule(ada, group, 80)
    port = {"network_id": network, "security_groups": [group]}

    async def plugged_in() -> Any:
        # On a busy machine it takes longer than a request waits.
        answer = await ada.ask("POST", "network", "/ports", {"port": port}, site="tokyo")
        assert answer.ok or answer.retry, answer
        return answer.json["port"] if answer.ok else None

    made = await until(plugged_in)
    ids = {"network": network, "subnet": subnet, "security_group": group}
    yield Shared(ids, made["id"], rule)


async def new_rule(login: Login, group: str, port: int) -> str:
    rule = {
        "security_group_id": group,
        "direction": "ingress",
        "protocol": "tcp",
        "port_range_min": port,
        "port_range_max": port,
    }
    path, body = "/security-group-rules", {"security_group_rule": rule}
    made = await login.do("POST", "network", path, body)
    return str(made["security_group_rule"]["id"])


async def replicas(
    admins: dict[str, Login], shared: Shared
) -> dict[tuple[str, str], dict[str, Any]]:
    """(kind, site) -> what the site itself shows."""
    found = {}
    for site, admin in admins.items():
        for kind, path in PATHS.items():
            for item in (await admin.get("network", path))[f"{kind}s"]:
                marks = marks_of(item)
                if marks is not None and marks.global_id == shared.ids[kind]:
                    assert (kind, site) not in found, "a second replica"
                    found[kind, site] = item
    return found


async def ports_of(admins: dict[str, Login], local: dict[str, str]) -> dict[str, set[str]]:
    """Site -> the ports in the group's rules there."""
    ports = {}
    for site, admin in admins.items():
        path = f"/security-group-rules?security_group_id={local[site]}&direction=ingress"
        rules = (await admin.get("network", path))["security_group_rules"]
        ports[site] = {each["port_range_min"] for each in rules}
    return ports


async def lose_everything(federation: Federation) -> None:
    federation.fleet.redis.flush()

    async def complete() -> bool:
        url = f"{federation.gateway.url}/healthcheck"
        answer = await asyncio.to_thread(requests.get, url, timeout=30)
        return "complete" in answer.text

    await until(complete)


async def test_all_is_as_before(
    federation: Federation, ada: Login, site_admins: dict[str, Login], shared: Shared
) -> None:
    await until(lambda: _reached(site_admins, shared, 6))
    before = await replicas(site_admins, shared)
    assert len(before) == 6

    await lose_everything(federation)

    for kind, path in PATHS.items():
        shown = (await ada.get("network", f"{path}?name=kept"))[f"{kind}s"]
        assert [each["id"] for each in shown] == [shared.ids[kind]], "one, as before"
    group = await ada.get("network", f"/security-groups/{shared.ids['security_group']}")
    assert shared.rule in {each["id"] for each in group["security_group"]["security_group_rules"]}
    port = (await ada.get("network", f"/ports/{shared.port}"))["port"]
    assert port["network_id"] == shared.ids["network"]

    # Two audits of the daemons later nothing was made, changed or taken away.
    await asyncio.sleep(12)
    after = await replicas(site_admins, shared)
    assert {key: each["id"] for key, each in after.items()} == {
        key: each["id"] for key, each in before.items()
    }
    for each in federation.daemons.values():
        assert "refused" not in each.log_tail(20), each.log_tail(20)


async def test_changes_still_go_everywhere(
    federation: Federation, ada: Login, site_admins: dict[str, Login], shared: Shared
) -> None:
    path = f"/networks/{shared.ids['network']}"
    await ada.do("PUT", "network", path, {"network": {"name": "changed"}})
    await new_rule(ada, shared.ids["security_group"], 443)
    await ada.do("DELETE", "network", f"/security-group-rules/{shared.rule}")

    async def there() -> bool:
        found = await replicas(site_admins, shared)
        groups = {site: found["security_group", site]["id"] for site in site_admins}
        names = {found["network", site]["name"] for site in site_admins}
        ports = await ports_of(site_admins, groups)
        return names == {"changed"} and all(each == {443} for each in ports.values())

    assert await until(there)


async def test_a_deletion_that_was_under_way_is_to_be_repeated(
    federation: Federation, ada: Login, site_admins: dict[str, Login], shared: Shared
) -> None:
    group = f"/security-groups/{shared.ids['security_group']}"
    await ada.do("DELETE", "network", f"/ports/{shared.port}")
    federation.daemons["tokyo"].stop()
    try:
        await ada.do("DELETE", "network", group)
        await lose_everything(federation)
    finally:
        federation.daemons["tokyo"].start()

    shown = (await ada.get("network", "/security-groups?name=kept"))["security_groups"]
    assert [each["id"] for each in shown] == [shared.ids["security_group"]], "what is left of it"
    plan = await asyncio.to_thread(told, federation, "plan")
    assert "in quarantine: no site has its anchor" in plan
    await asyncio.sleep(6)
    found = await replicas(site_admins, shared)
    assert [site for kind, site in found if kind == "security_group"] == ["tokyo"]
    refused = await ada.ask("PUT", "network", group, {"security_group": {"name": "other"}})
    assert refused.status == 409, refused

    await ada.do("DELETE", "network", group)

    async def gone() -> bool:
        return not any(kind == "security_group" for kind, _ in await replicas(site_admins, shared))

    assert await until(gone)
    assert (await ada.ask("GET", "network", group)).status == 404


async def test_what_is_deleted_is_gone_everywhere(
    federation: Federation, ada: Login, site_admins: dict[str, Login], shared: Shared
) -> None:
    await ada.do("DELETE", "network", f"/networks/{shared.ids['network']}")

    async def gone() -> bool:
        return not await replicas(site_admins, shared)

    assert await until(gone)


async def _reached(admins: dict[str, Login], shared: Shared, number: int) -> bool:
    """Whether so many replicas say their generation."""
    found = (await replicas(admins, shared)).values()
    said = [marks for each in found if (marks := marks_of(each)) and marks.generation]
    return len(said) == number


def told(federation: Federation, *words: str) -> str:
    """What ``federator`` prints."""
    command = [sys.executable, "-m", "federator", *words]
    command += ["--config", str(federation.gateway.config)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.stdout + done.stderr
