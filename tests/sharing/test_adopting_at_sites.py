"""``federator adopt`` and ``release`` at real sites: two groups become one, and two again."""

import asyncio
import sys
from uuid import uuid4

import pytest

from tests.adversarial.client import Login
from tests.sharing.conftest import Federation
from tests.sharing.test_networks_that_span import Admins, at_site, make, until

pytestmark = pytest.mark.lab


async def command(federation: Federation, *words: str) -> tuple[int, str]:
    """What a command of ours ends with, and says."""
    run = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "federator",
        *words,
        "--config",
        str(federation.gateway.config),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await run.communicate()
    return run.returncode or 0, said.decode()


async def test_two_groups_become_one_and_two_again(
    federation: Federation, ada: Login, site_admins: Admins
) -> None:
    name = f"web-{uuid4().hex[:8]}"
    groups = {}
    for site in ("paris", "tokyo"):
        group = await make(ada, "/security-groups", "security_group", site=site, name=name)
        rule = {"security_group_id": group["id"], "direction": "ingress", "protocol": "tcp"}
        await make(ada, "/security-group-rules", "security_group_rule", **rule)
        groups[site] = group["id"]
    own = {"security_group_id": groups["paris"], "direction": "ingress", "protocol": "udp"}
    more = await make(ada, "/security-group-rules", "security_group_rule", **own)
    adopt = ("adopt", "security_group", f"{name}@paris", "--with", groups["tokyo"])
    code, said = await command(federation, *adopt)
    assert (code, said.count("is at paris and not at tokyo")) == (1, 1), said

    async def listed() -> list[str]:
        found = await ada.get("network", f"/security-groups?name={name}")
        return sorted(each["id"] for each in found["security_groups"])

    await ada.do("DELETE", "network", f"/security-group-rules/{more['id']}")
    code, said = await command(federation, *adopt, "--dry-run")
    assert (code, await listed()) == (0, sorted(groups.values())), said
    code, said = await command(federation, *adopt)
    assert code == 0, said

    async def one() -> bool:
        return await listed() == [groups["paris"]]

    await until(one)
    shown = await ada.get("network", f"/security-groups/{groups['tokyo']}")
    assert shown["security_group"]["id"] == groups["paris"]
    new = {"security_group": {"description": "both"}}
    await ada.do("PUT", "network", f"/security-groups/{groups['paris']}", new)

    async def both() -> bool:
        path = f"/security-groups?name={name}"
        found = [
            await at_site(admin, path, "security_groups", ada.project_id)
            for admin in site_admins.values()
        ]
        return [each["description"] for (each,) in found] == ["both"] * 2

    await until(both)
    code, said = await command(federation, "release", groups["paris"])
    assert code == 0, said

    async def two() -> bool:
        return await listed() == sorted(groups.values())

    await until(two)
    for group in groups.values():
        await ada.do("DELETE", "network", f"/security-groups/{group}")
    for admin in site_admins.values():
        left = await at_site(
            admin, f"/security-groups?name={name}", "security_groups", ada.project_id
        )
        assert not left
