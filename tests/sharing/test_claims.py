"""Addresses that clients ask for on what spans sites, and sites that have none left. In memory."""

from dataclasses import replace

import pytest

from adapters.registry import all_services
from federator.call import Call
from federator.faults import Conflict
from federator.plan import Whereabouts
from federator.sharing.claims import Claims
from federator.sharing.ports import wishes
from idmap.desired import Desired
from idmap.memory_desired import MemoryDesiredStore
from idmap.memory_ledgers import MemoryLedgerStore
from sync.ipam.form import ranges_of
from sync.ipam.ledger import Lease
from sync.ipam.life import opened
from sync.ledgers import open_ledger, read

NETWORK = all_services()["network"]
NET, SUBNET = "00000000-0000-5000-8000-000000000001", "00000000-0000-5000-8000-000000000002"
WHERE = Whereabouts(anchors={NET: "paris", SUBNET: "paris"})


def asks(*ports: dict[str, object]) -> Call:
    resource = NETWORK.resource("port")
    return Call("POST", NETWORK, resource, "/ports", body={"ports": list(ports)})


async def claims() -> Claims:
    """A subnet of which paris has the first half and tokyo the second."""
    desired, ledgers = MemoryDesiredStore(), MemoryLedgerStore()
    spec = {"network_id": NET, "cidr": "10.0.0.0/24"}
    sites = frozenset({"paris", "tokyo"})
    await desired.put(Desired(SUBNET, "subnet", "alpha", "paris", sites, spec))
    pools = ranges_of([{"start": "10.0.0.2", "end": "10.0.0.201"}])
    ((start, end),) = pools
    half = start + 100
    new = opened(SUBNET, "e", "10.0.0.0/24", None, pools, sites)
    members = tuple(replace(each, read=True) for each in new.members)
    leases = [Lease(start, half - 1, "paris", 1), Lease(half, end, "tokyo", 1)]
    await open_ledger(ledgers, replace(new, members=members).with_leases(leases))
    return Claims(desired, ledgers)


@pytest.mark.parametrize("by_subnet", [True, False])
async def test_an_address_of_another_site_is_refused_in_neutrons_words(by_subnet: bool) -> None:
    there = await claims()
    fixed = {"ip_address": "10.0.0.150"} | ({"subnet_id": SUBNET} if by_subnet else {})

    with pytest.raises(Conflict) as refused:
        await there.make(asks({"network_id": NET, "fixed_ips": [fixed]}), WHERE, "paris")

    assert refused.value.title == "IpAddressAlreadyAllocated"
    (held,) = await there.make(asks({"network_id": NET, "fixed_ips": [fixed]}), WHERE, "tokyo")
    assert (held.subnet, held.site) == (SUBNET, "tokyo")


async def test_of_two_addresses_of_which_one_is_refused_none_is_held() -> None:
    there = await claims()
    fixed = [{"subnet_id": SUBNET, "ip_address": f"10.0.0.{last}"} for last in (7, 150)]

    with pytest.raises(Conflict):
        await there.make(asks({"network_id": NET, "fixed_ips": fixed}), WHERE, "paris")

    ledger = await read(there.ledgers, SUBNET)
    assert ledger is not None
    assert ledger.claims == ()


async def test_a_site_without_addresses_is_hungry_for_as_many_as_were_asked_for() -> None:
    there = await claims()

    sites = await there.hungry(asks({"network_id": NET}, {"network_id": NET}), WHERE, "tokyo")

    ledger = await read(there.ledgers, SUBNET)
    assert ledger is not None
    assert [each.site for each in ledger.members if each.hungry == 2] == ["tokyo"]
    assert sites == {"paris", "tokyo"}


async def test_networks_of_one_site_concern_no_book() -> None:
    there = await claims()

    assert await there.hungry(asks({"network_id": NET}), Whereabouts(), "tokyo") == set()
    fixed = {"subnet_id": SUBNET, "ip_address": "10.0.0.150"}
    assert await there.make(asks({"fixed_ips": [fixed]}), Whereabouts(), "paris") == []


def test_what_a_body_asks_for() -> None:
    assert wishes({"server": {"networks": [{"uuid": NET, "fixed_ip": "2001:db8::7"}]}}) == [
        (NET, "", "2001:db8::7")
    ]
    odd = [None, 7, "auto", {"networks": "none"}, {"networks": [None, {"fixed_ip": "x"}]}]
    assert [wishes({"server": each}) for each in odd] == [[]] * 5
    assert wishes({"port": {"fixed_ips": [{"ip_address": "no address"}, "x"]}}) == []
    assert wishes([1]) == []
