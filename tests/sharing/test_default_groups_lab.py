"""A project's `default` security group at two real sites of different releases, from its first change on."""

from typing import Any

import pytest

from adapters.marks import marks_of
from tests.adversarial.client import Login
from tests.sharing.conftest import Federation
from tests.sharing.test_networks_that_span import Admins, at_site, make, until

pytestmark = pytest.mark.lab

Said = list[tuple[str, str, str, str]]


async def test_once_it_is_changed_the_default_group_spans_the_sites(
    federation: Federation, ada: Login, site_admins: Admins
) -> None:
    async def there() -> dict[str, dict[str, Any]]:
        path = "/security-groups?name=default"
        found = {}
        for site, admin in site_admins.items():
            (found[site],) = await at_site(admin, path, "security_groups", ada.project_id)
        return found

    async def said() -> dict[str, Said]:
        return {site: _said(group) for site, group in (await there()).items()}

    async def are_alike_with(ports: set[str]) -> bool:
        every = list((await said()).values())
        return every[0] == every[1] and {each[3] for each in every[0]} - {"None"} == ports

    # As the tenant finds it: one, and nobody has touched anything.
    (group,) = (await ada.get("network", "/security-groups?name=default"))["security_groups"]
    before = await there()
    assert not any(each["tags"] for each in before.values())
    known = {
        site: {rule["id"] for rule in each["security_group_rules"]} for site, each in before.items()
    }
    assert [len(each) for each in known.values()] == [4, 4]

    # A first change that Neutron refuses is refused in its words, and one that it makes is made everywhere.
    rule = {"security_group_id": group["id"], "direction": "ingress", "protocol": "tcp"}
    wrong = {"security_group_rule": {**rule, "port_range_min": 9, "port_range_max": 1}}
    refused = await ada.ask("POST", "network", "/security-group-rules", wrong)
    assert refused.status == 400, refused
    ssh = {**rule, "port_range_min": 22, "port_range_max": 22}
    made = await make(ada, "/security-group-rules", "security_group_rule", **ssh)

    async def is_everywhere() -> bool:
        return await are_alike_with({"22"})

    await until(is_everywhere)

    async def marked() -> bool:
        marks = {site: marks_of(each) for site, each in (await there()).items()}
        if not all(each is not None and each.generation for each in marks.values()):
            return False
        assert {site: each and (each.global_id, each.anchor) for site, each in marks.items()} == {
            "paris": (group["id"], True),
            "tokyo": (group["id"], False),
        }
        return True

    await until(marked)
    after = await there()
    for site, each in after.items():
        # Nothing was made anew: no packet has found it otherwise for a moment.
        assert each["id"] == before[site]["id"]
        assert known[site] < {rule["id"] for rule in each["security_group_rules"]}

    # What the tenant knows is valid still, and he sees no more than before.
    for query in ("", "?name=default"):
        listed = (await ada.get("network", f"/security-groups{query}"))["security_groups"]
        assert [each["id"] for each in listed if each["name"] == "default"] == [group["id"]]
    shown = (await ada.get("network", f"/security-groups/{group['id']}"))["security_group"]
    mine = {rule["id"] for rule in group["security_group_rules"]}
    assert {rule["id"] for rule in shown["security_group_rules"]} == {*mine, made["id"]}
    assert "federator" not in str(shown)
    egress = next(
        rule["id"] for rule in group["security_group_rules"] if rule["direction"] == "egress"
    )
    assert (await ada.get("network", f"/security-group-rules/{egress}"))["security_group_rule"]

    # A rule of before goes everywhere, one that is taken away behind our back comes back.
    await ada.do("DELETE", "network", f"/security-group-rules/{egress}")
    lost = next(
        rule["id"]
        for rule in after["tokyo"]["security_group_rules"]
        if rule["port_range_min"] == 22
    )
    await site_admins["tokyo"].do("DELETE", "network", f"/security-group-rules/{lost}")

    async def is_less_one() -> bool:
        found = await said()
        return await are_alike_with({"22"}) and [len(each) for each in found.values()] == [4, 4]

    await until(is_less_one)

    # With tokyo's daemon away he can go on all the same.
    federation.daemons["tokyo"].stop()
    try:
        web = {**rule, "port_range_min": 80, "port_range_max": 80}
        await make(ada, "/security-group-rules", "security_group_rule", **web)
        await ada.do("DELETE", "network", f"/security-group-rules/{made['id']}")
        assert await said() != {}
    finally:
        federation.daemons["tokyo"].start()

    async def has_caught_up() -> bool:
        return await are_alike_with({"80"})

    await until(has_caught_up)
    kept = await ada.ask("DELETE", "network", f"/security-groups/{group['id']}")
    assert kept.status == 409, kept


def _said(group: dict[str, Any]) -> Said:
    """What the rules of a group say, whatever it is called at its site."""
    return sorted(
        (
            rule["direction"],
            rule["ethertype"],
            str(rule.get("remote_group_id") == group["id"]),
            str(rule.get("port_range_min")),
        )
        for rule in group["security_group_rules"]
    )
