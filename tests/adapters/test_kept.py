"""What is remembered of objects: the declarations, and the few bytes it takes."""

from typing import Any

import pytest

from adapters.kept import owner_of, pack, shown_in_full, unpack
from adapters.registry import all_services
from adapters.shape import Node, item_node
from adapters.spec import Resource, Service

KEPT = [
    pytest.param(service, resource, id=resource.kind)
    for service in all_services().values()
    for resource in service.resources
    if resource.kept
]
every_kept = pytest.mark.parametrize(("service", "resource"), KEPT)

SERVER = all_services()["compute"].resource("server")
FLAVOR = all_services()["compute"].resource("flavor")
NETWORK = all_services()["network"].resource("network")


def test_what_people_look_for_while_a_site_is_away_is_kept() -> None:
    kinds = {each.id for each in KEPT}
    assert kinds >= {
        "server", "flavor", "volume", "snapshot", "image", "network", "subnet", "port", "router",
        "floatingip", "security_group",
    }  # fmt: skip


@every_kept
def test_it_can_be_read_and_its_owner_is_known(service: Service, resource: Resource) -> None:
    assert resource.index
    assert resource.owner in resource.kept or resource.everybodys_if
    assert set(resource.everybodys_if) <= set(resource.kept)
    assert resource.id_field not in resource.kept


@every_kept
def test_nothing_is_kept_that_is_secret_or_for_anybody_to_write(
    service: Service, resource: Resource
) -> None:
    words = (
        "metadata",
        "user_data",
        "pass",
        "secret",
        "key_id",
        "properties",
        "tags",
        "personality",
    )
    assert not [name for name in resource.kept for word in words if word in name.lower()]


@every_kept
def test_every_id_that_is_kept_is_translated(service: Service, resource: Resource) -> None:
    node: Node = item_node(service, resource, request=False)
    ids = [name for name in resource.kept if name.endswith(("_id", "_ids"))]
    assert not [name for name in ids if name not in node.fields]


@every_kept
def test_fields_come_back_and_no_others(service: Service, resource: Resource) -> None:
    item: dict[str, Any] = {name: f"value of {name}" for name in resource.kept}
    back = unpack(resource, pack(resource, {**item, "metadata": {"a": "b"}, "adminPass": "x"}))
    assert back == item


def test_nothing_is_not_the_same_as_not_shown() -> None:
    back = unpack(SERVER, pack(SERVER, {"name": "web", "key_name": None}))
    assert back == {"name": "web", "key_name": None}


def test_links_are_left_out() -> None:
    back = unpack(SERVER, pack(SERVER, {"flavor": {"id": "1", "links": [{"href": "x"}]}}))
    assert back == {"flavor": {"id": "1"}}


def test_what_another_release_wrote_is_not_read() -> None:
    assert unpack(SERVER, pack(FLAVOR, {"name": "m1.tiny"})) is None


@pytest.mark.parametrize(
    ("resource", "item", "owner"),
    [
        (SERVER, {"tenant_id": "p"}, "p"),
        (SERVER, {"name": "web"}, None),
        (NETWORK, {"project_id": "p", "shared": False, "router:external": False}, "p"),
        (NETWORK, {"project_id": "p", "shared": True}, ""),
        # To whom an external network is external the network does not say.
        (NETWORK, {"project_id": "p", "shared": False, "router:external": True}, "p"),
        (FLAVOR, {"os-flavor-access:is_public": True}, ""),
        (FLAVOR, {"os-flavor-access:is_public": False}, "-"),
        (FLAVOR, {"name": "m1.tiny"}, None),
    ],
)
def test_whose_an_object_is(resource: Resource, item: dict[str, Any], owner: str | None) -> None:
    assert owner_of(resource, item) == owner


def test_short_lists_show_too_little() -> None:
    assert not shown_in_full(SERVER, {"id": "x", "name": "web", "links": []})
    assert shown_in_full(SERVER, dict.fromkeys(SERVER.kept))


def test_a_server_with_two_addresses_takes_few_bytes() -> None:
    address = {"version": 4, "OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:4c:2f:91"}
    server = {
        "name": "web-17",
        "status": "ACTIVE",
        "tenant_id": "8f1d3a0b7c6e4f52a1b09c8d7e6f5a4b",
        "user_id": "6b1f0e9d8c7b6a5f4e3d2c1b0a9f8e7d6c5b4a3f2e1d0c9b8a7f6e5d4c3b2a10",
        "created": "2026-03-01T10:11:12Z",
        "updated": "2026-03-02T09:08:07Z",
        "flavor": {"id": "d3b1a0c2-5e4f-4a6b-8c7d-9e0f1a2b3c4d"},
        "image": {"id": "0a9b8c7d-6e5f-4a3b-9c1d-0e9f8a7b6c5d"},
        "addresses": {
            "backend": [
                {**address, "addr": "10.1.2.3", "OS-EXT-IPS:type": "fixed"},
                {**address, "addr": "203.0.113.77", "OS-EXT-IPS:type": "floating"},
            ]
        },
        "key_name": "laptop",
        "security_groups": [{"name": "default"}],
        "OS-EXT-AZ:availability_zone": "nova",
        "os-extended-volumes:volumes_attached": [],
    }
    assert len(pack(SERVER, server)) < 250
