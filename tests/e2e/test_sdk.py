"""Lists of both sites with the unmodified openstacksdk: pages, order, names, and IDs of one site."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import openstack
import pytest
from openstack.connection import Connection

from tests.e2e.estate import Holding, new_estate
from tests.e2e.world import World

# The SDK warns of its own future; that is not for us to heed.
pytestmark = pytest.mark.filterwarnings("ignore::Warning:openstack")


@pytest.fixture(scope="module")
def estate(world: World) -> list[Holding]:
    """Two of everything at each site."""
    return new_estate(world, copies=2)


@pytest.fixture(scope="module")
def sdk(world: World) -> Iterator[Connection]:
    """A connection of openstacksdk."""
    auth = {**world.people.auth, "auth_url": f"{world.url}/identity"}
    connection = openstack.connect(
        load_yaml_config=False, load_envvars=False, region_name="federation", auth=auth
    )
    yield connection
    connection.close()


Listing = Callable[..., Iterator[Any]]


def listings(sdk: Connection) -> dict[str, Listing]:
    """How each kind is listed."""
    return {
        "server": sdk.compute.servers,
        "network": sdk.network.networks,
        "subnet": sdk.network.subnets,
        "port": sdk.network.ports,
        "router": sdk.network.routers,
        "security_group": sdk.network.security_groups,
        "floating_ip": sdk.network.ips,
        "image": sdk.image.images,
        "volume": sdk.block_storage.volumes,
        "snapshot": sdk.block_storage.snapshots,
    }


KINDS = (
    "server", "network", "subnet", "port", "router", "security_group", "floating_ip", "image",
    "volume", "snapshot",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_pages_hold_everything_once(sdk: Connection, estate: list[Holding], kind: str) -> None:
    whole = [item.id for item in listings(sdk)[kind]()]
    assert {getattr(holding, kind) for holding in estate} <= set(whole)
    for limit in (1, 2, 3):
        # A list that never ends must not be waited for.
        pages = itertools.islice(listings(sdk)[kind](limit=limit), len(whole) + 5)
        assert [item.id for item in pages] == whole, f"in pages of {limit}"
    assert len(whole) == len(set(whole))


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_is_as_long_as_asked_for(sdk: Connection, estate: list[Holding], kind: str) -> None:
    assert len(list(listings(sdk)[kind](limit=2, paginated=False))) == 2


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("kind", ["server", "network", "image"])
def test_lists_come_in_the_order_asked_for(
    sdk: Connection, estate: list[Holding], kind: str, backwards: bool
) -> None:
    key = "display_name" if kind == "server" else "name"
    order = {"sort_key": key, "sort_dir": "desc" if backwards else "asc"}
    for limit in ({}, {"limit": 2}):
        pages = itertools.islice(listings(sdk)[kind](**order, **limit), 100)
        names = [item.name for item in pages]
        assert len(names) >= len(estate)
        assert names == sorted(names, reverse=backwards)


@pytest.mark.parametrize("way", ["asc", "desc"])
def test_volumes_come_in_the_order_asked_for(world: World, estate: list[Holding], way: str) -> None:
    found = world.api.get("block-storage", f"/volumes/detail?sort=name:{way}")["volumes"]
    names = [volume["name"] for volume in found]
    assert len(names) == len(estate)
    assert names == sorted(names, reverse=way == "desc")
    half = world.api.get("block-storage", f"/volumes/detail?sort=name:{way}&limit=2")["volumes"]
    assert [volume["name"] for volume in half] == names[:2]
    path = f"/volumes/detail?sort=name:{way}&limit=2&marker={half[-1]['id']}"
    rest = world.api.get("block-storage", path)["volumes"]
    assert [volume["name"] for volume in rest] == names[2:4]


def test_things_are_found_by_name_and_by_id(sdk: Connection, estate: list[Holding]) -> None:
    finders = {
        "server": sdk.compute.find_server,
        "network": sdk.network.find_network,
        "subnet": sdk.network.find_subnet,
        "port": sdk.network.find_port,
        "router": sdk.network.find_router,
        "security_group": sdk.network.find_security_group,
        "image": sdk.image.find_image,
        "volume": sdk.block_storage.find_volume,
        "snapshot": sdk.block_storage.find_snapshot,
    }
    for holding in estate:
        for kind, find in finders.items():
            id_ = getattr(holding, kind)
            for wanted in (holding.name, id_):
                assert find(wanted, ignore_missing=False).id == id_, f"{kind} {wanted}"
    assert sdk.compute.find_server("no such server") is None
    assert sdk.network.find_network("no such network") is None


def test_a_server_is_found_by_its_filters(sdk: Connection, estate: list[Holding]) -> None:
    for holding in estate:
        assert [each.id for each in sdk.compute.servers(name=holding.name)] == [holding.server]
        ports = sdk.network.ports(network_id=holding.network, device_id=holding.server)
        assert [each.id for each in ports] == [holding.port]
        snapshots = sdk.block_storage.snapshots(volume_id=holding.volume)
        assert [each.id for each in snapshots] == [holding.snapshot]
        rules = list(sdk.network.security_group_rules(security_group_id=holding.security_group))
        assert {each.security_group_id for each in rules} == {holding.security_group}


def test_an_id_of_a_site_is_answered_with_ours(world: World, estate: list[Holding]) -> None:
    """What runs in a server knows it by the site's own ID."""
    for holding in estate:
        site = world.site_admins[holding.site]
        everyones = f"/servers?all_tenants=1&name={holding.name}"
        local = site.get("compute", everyones)["servers"][0]["id"]
        assert local != holding.server
        shown = world.api.get("compute", f"/servers/{local}")["server"]
        assert shown["id"] == holding.server
        local = site.get("network", f"/v2.0/networks?name={holding.name}")["networks"][0]["id"]
        assert local != holding.network
        shown = world.api.get("network", f"/v2.0/networks/{local}")["network"]
        assert shown["id"] == holding.network
        ports = world.api.get("network", f"/v2.0/ports?network_id={local}")["ports"]
        assert holding.port in [port["id"] for port in ports]


def test_an_unknown_id_is_not_found(world: World) -> None:
    unknown = "5a5a5a5a-0000-4000-8000-5a5a5a5a5a5a"
    for service, path in (
        ("compute", "/servers"),
        ("network", "/v2.0/ports"),
        ("image", "/v2/images"),
        ("block-storage", "/volumes"),
    ):
        for name in (unknown, "no-such-name"):
            assert world.api.call("GET", service, f"{path}/{name}").status_code == 404
