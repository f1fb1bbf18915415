"""What Neutron refuses it refuses the caller: in its own words, and by his token."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.adversarial.client import Answer, Login
from tests.adversarial.realm import Realm
from tests.sharing.conftest import Federation
from tests.sharing.test_networks_that_span import Admins, at_site, make

pytestmark = pytest.mark.lab

BOTH = ["paris", "tokyo"]


def asked_by(federation: Federation, lab: Path, answer: Answer, site: str) -> tuple[str, str]:
    """(user, project) in whose name a site refused it: its own log says so."""
    request_id = answer.headers["X-Openstack-Request-Id"]
    lines = federation.gateway.log.read_text(errors="replace").splitlines()
    (line,) = [each for each in lines if f"request_id='{request_id}'" in each and "sites=" in each]
    (theirs,) = set(re.findall(rf"{site}:{answer.status}:(req-[0-9a-f-]+)", line))
    log = (lab.parent / "log" / site / "neutron.log").read_text(errors="replace")
    said = re.findall(rf"\[\S+ {theirs} (\w+) (\w+) [^]]*\] \w+ failed \(client error\)", log)
    assert said, f"{theirs} is not in Neutron's log"
    return said[0][0], said[0][1]


async def ids_of(admin: Login, tag: str) -> str:
    found = (await admin.get("identity", f"/projects?tags={tag}"))["projects"]
    return str(found[0]["id"])


async def test_who_may_not_is_told_so_by_neutron(
    federation: Federation, realm: Realm, ada: Login, site_admins: Admins, lab: Path
) -> None:
    await realm.user("rita", alpha="reader")
    rita = await realm.login("rita", "alpha")
    net = await make(ada, "/networks", "network", name="hers", availability_zone_hints=BOTH)
    paris = site_admins["paris"]
    project = await ids_of(paris, f"federator-home-{ada.project_id}")
    path = f"/networks/{net['id']}"
    asked: list[tuple[str, str, Any]] = [
        ("POST", "/networks", {"network": {"name": "x", "availability_zone_hints": BOTH}}),
        ("POST", "/routers", {"router": {"name": "x", "availability_zone_hints": BOTH}}),
        (
            "POST",
            "/subnets",
            {"subnet": {"network_id": net["id"], "ip_version": 4, "cidr": "10.66.0.0/24"}},
        ),
        ("POST", "/security-groups", {"security_group": {"name": "x"}}),
        ("PUT", path, {"network": {"name": "x"}}),
        ("DELETE", path, None),
    ]
    for method, where, body in asked:
        answer = await rita.ask(method, "network", where, body)
        assert answer.status == 403, answer
        assert answer.json["NeutronError"]["type"] == "PolicyNotAuthorized", answer
        user, of = asked_by(federation, lab, answer, "paris")
        assert of == project
        assert user != paris.user_id

    # Nothing came of it, and nobody has to wait for it.
    shown = (await ada.do("PUT", "network", path, {"network": {"name": "still hers"}}))["network"]
    assert (shown["id"], shown["name"]) == (net["id"], "still hers")
    for site, admin in site_admins.items():
        nets = await at_site(admin, "/networks", "networks", ada.project_id)
        assert len(nets) <= 1, site
    await ada.do("DELETE", "network", path)


async def test_a_full_quota_is_neutrons_own_conflict(
    federation: Federation, ada: Login, site_admins: Admins, lab: Path
) -> None:
    paris = site_admins["paris"]
    project = await ids_of(paris, f"federator-home-{ada.project_id}")
    there = await at_site(paris, "/networks", "networks", ada.project_id)
    quota = {"quota": {"network": len(there)}}
    await paris.do("PUT", "network", f"/quotas/{project}", quota)
    try:
        new = {"name": "one too many", "availability_zone_hints": BOTH}
        answer = await ada.ask("POST", "network", "/networks", {"network": new})
    finally:
        await paris.do("DELETE", "network", f"/quotas/{project}")
    assert answer.status == 409, answer
    assert answer.json["NeutronError"]["type"] == "OverQuota"
    assert asked_by(federation, lab, answer, "paris")[1] == project
    for admin in site_admins.values():
        nets = await at_site(admin, "/networks?name=one%20too%20many", "networks", ada.project_id)
        assert nets == []
