"""A QoS policy. Its rules are no objects of their own here: they are compared with it, and changed one by one.

Neutron keeps one rule of a sort and direction in a policy, so a rule at another site is known by these, and its
ID is that site's affair. Those of the anchor are kept with what is desired (``RULES``): a tenant may name a
rule without its policy, and what he changes then is the policy.

Which policy is the default of a project is not alike: each site's admins may have chosen another one.
"""

from collections.abc import Mapping
from typing import Any

from adapters.registry import all_services
from sync.cloud import Refused
from sync.kind import Hand, Item, Kind

RULES = "federation:rules"
"""The field of a spec with the global IDs of the anchor's rules."""

RULES_OF = (
    "bandwidth_limit",
    "dscp_marking",
    "minimum_bandwidth",
    "minimum_packet_rate",
    "packet_rate_limit",
)
"""The sorts of rules, each a collection of its own below the policy."""

RULE_KINDS = frozenset(f"{sort}_rule" for sort in RULES_OF)
"""What the rules are called where there is a kind of each."""

_POLICY = all_services()["network"].resource("policy")
_WHOSE = frozenset({"id", "qos_policy_id", "project_id", "tenant_id"})


def _normal(item: Item) -> Item:
    if "rules" not in item:
        return item
    rules = [_said(rule) for rule in item["rules"]]
    ids = sorted(str(rule["id"]) for rule in item["rules"] if "id" in rule)
    return {**item, "rules": sorted(rules, key=repr), RULES: ids or item.get(RULES, [])}


def _said(rule: Mapping[str, Any]) -> dict[str, Any]:
    """What a rule says, the same at every site."""
    return {name: rule[name] for name in sorted(rule) if name not in _WHOSE}


def _identity(rule: Mapping[str, Any]) -> tuple[str, str]:
    return str(rule["type"]), str(rule.get("direction") or "")


async def _create(
    hand: Hand, fields: dict[str, Any], begun: Mapping[str, Any] | None
) -> Mapping[str, Any]:
    # Its rules come when it is there, as those of one that differs.
    first = {name: value for name, value in fields.items() if name not in ("rules", RULES)}
    if begun is None:
        begun = dict((await hand.call("POST", "/v2.0/qos/policies", {"policy": first}))["policy"])
    return begun


async def _change(hand: Hand, there: Mapping[str, Any], fields: dict[str, Any]) -> None:
    path = f"/v2.0/qos/policies/{there['id']}"
    fields = dict(fields)
    wanted = fields.pop("rules", None)
    if fields:
        await hand.call("PUT", path, {"policy": fields})
    if wanted is None:
        return
    want = {_identity(rule): _said(rule) for rule in wanted}
    have = {_identity(rule): rule for rule in there.get("rules") or ()}
    for which in have.keys() - want.keys():
        sort, rule = which[0], have[which]["id"]
        await hand.call("DELETE", f"/v2.0/qos/policies/{there['id']}/{sort}_rules/{rule}")
    todo = [
        which for which in sorted(want) if which not in have or want[which] != _said(have[which])
    ]
    while todo:
        refused: dict[tuple[str, str], Refused] = {}
        for which in todo:
            try:
                await _put(hand, str(there["id"]), want[which], have.get(which))
            except Refused as error:
                # A least above the most that there is yet: in another order it may do.
                refused[which] = error
        if len(refused) == len(todo):
            raise refused[todo[0]]
        todo = list(refused)


async def _put(
    hand: Hand, policy: str, rule: Mapping[str, Any], there: Mapping[str, Any] | None
) -> None:
    sort = rule["type"]
    body = {f"{sort}_rule": {name: value for name, value in rule.items() if name != "type"}}
    if there is None:
        await hand.call("POST", f"/v2.0/qos/policies/{policy}/{sort}_rules", body)
    else:
        await hand.call("PUT", f"/v2.0/qos/policies/{policy}/{sort}_rules/{there['id']}", body)


KIND = Kind(
    "policy",
    _POLICY,
    _POLICY.synced,
    (*_POLICY.born, RULES),
    called="QoS policy",
    tags_at="/policies",
    adoptable=True,
    normal=_normal,
    create=_create,
    change=_change,
)
