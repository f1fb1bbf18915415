"""At which site a part of something shared is made, and what has to come there first, case by case."""

from typing import Any

import pytest

from adapters.registry import all_services
from federator.call import Call
from federator.plan import Reach, Whereabouts, plan
from federator.sharing.need import Need, need

NETWORK = all_services()["network"]
SITES = ("paris", "tokyo")
SHARED = {"network", "subnet", "router", "security_group", "policy"}
PARIS, TOKYO, BOTH = {"paris": "p"}, {"tokyo": "t"}, {"paris": "p", "tokyo": "t"}


def call(path: str, key: str, **fields: Any) -> Call:
    resource = next(each for each in NETWORK.resources if each.key == key)
    return Call("POST", NETWORK, resource, path, body={key: fields})


def told(what: Call, body: dict[str, Any], kinds: dict[str, str], **anchors: str) -> Any:
    where = Whereabouts(body=body, kinds=kinds, anchors=anchors)
    wish = need(what, where, SHARED, SITES, "paris")
    return wish if wish is not None else plan(what, where, SITES, "paris")


SUBNET = call("/subnets", "subnet", network_id="n", subnetpool_id="pool")
RULE = call("/security-group-rules", "security_group_rule", security_group_id="g")


@pytest.mark.parametrize(
    ("network", "anchor", "expected"),
    [
        # A pool is at one site: what is made of it is made there, and the network comes to it.
        (TOKYO, {}, Need("paris", (("network", "n"),))),
        (TOKYO, {"n": "tokyo"}, Need("paris", (("network", "n"),))),
        (BOTH, {"n": "tokyo"}, "paris"),
        (BOTH, {"n": "paris"}, "paris"),
    ],
)
def test_a_subnet_of_a_pool(network: Any, anchor: dict[str, str], expected: Any) -> None:
    kinds = {"n": "network", "pool": "subnetpool"}
    found = told(SUBNET, {"n": network, "pool": PARIS}, kinds, **anchor)
    if not isinstance(expected, Need):
        assert (found.reach, found.sites) == (Reach.ANCHOR, (expected,))
    else:
        assert found == expected


@pytest.mark.parametrize("anchor", SITES)
def test_a_rule_is_made_at_the_anchor_of_its_group(anchor: str) -> None:
    other = {"paris": TOKYO, "tokyo": PARIS}[anchor]
    kinds = {"g": "security_group", "other": "security_group"}
    found = told(RULE, {"g": BOTH, "other": other}, kinds, g=anchor)
    assert found == Need(anchor, (("security_group", "other"),))


def test_a_port_comes_to_the_policy_or_the_policy_to_it() -> None:
    port = call("/ports", "port", network_id="n", qos_policy_id="q")
    kinds = {"n": "network", "q": "policy"}
    assert told(port, {"n": TOKYO, "q": PARIS}, kinds).missing == (("network", "n"),)
    assert told(port, {"n": BOTH, "q": TOKYO}, kinds, n="paris").sites == ("tokyo",)
