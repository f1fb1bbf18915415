"""The odd ones among the places where IDs stand, one story each."""

from typing import Any
from uuid import uuid4

import pytest

from adapters.registry import all_services
from adapters.spec import LINK, PROJECT, USER, ZONE
from adapters.translate import (
    Shape,
    ids_in_action,
    ids_in_body,
    rewrite_action,
    rewrite_action_reply,
    rewrite_body,
    shape,
)

A, B, C, D, E = (str(uuid4()) for _ in range(5))


def form(service_type: str, kind: str) -> Shape:
    service = all_services()[service_type]
    return shape(service, service.resource(kind))


def marked(kind: str, value: Any) -> Any:
    return f"{kind}:{value}"


def asked(form: Shape, body: Any) -> Any:
    return rewrite_body(form, body, marked, request=True)


def shown(form: Shape, body: Any) -> Any:
    return rewrite_body(form, body, marked)


SERVER = form("compute", "server")
IMAGE = form("image", "image")


@pytest.mark.parametrize("kind", ["image", "volume", "snapshot"])
def test_a_block_device_is_what_its_source_type_says(kind: str) -> None:
    body = {"server": {"block_device_mapping_v2": [{"source_type": kind, "uuid": A}]}}
    assert ids_in_body(SERVER, body, request=True) == [(kind, A)]


def test_a_block_device_without_a_source_type_is_anything() -> None:
    body = {"server": {"block_device_mapping_v2": [{"uuid": A}]}}
    assert ids_in_body(SERVER, body, request=True) == [("any", A)]


def test_a_blank_block_device_has_no_id() -> None:
    body = {"server": {"block_device_mapping_v2": [{"source_type": "blank", "uuid": None}]}}
    assert asked(SERVER, body) is body


def test_security_groups_are_names_or_ids_when_asked_for_and_names_when_shown() -> None:
    body = {"server": {"security_groups": [{"name": A}]}}
    assert ids_in_body(SERVER, body, request=True) == [("security_group", A)]
    assert shown(SERVER, body) is body


@pytest.mark.parametrize("word", ["OS-SCH-HNT:scheduler_hints", "os:scheduler_hints"])
def test_scheduler_hints_stand_beside_the_server(word: str) -> None:
    body = {
        "server": {"name": A, "networks": "auto"},
        word: {"group": B, "same_host": [C], "different_host": D, "query": E},
    }
    assert asked(SERVER, body) == {
        "server": {"name": A, "networks": "auto"},
        word: {
            "group": f"server_group:{B}",
            "same_host": [f"server:{C}"],
            "different_host": f"server:{D}",
            "query": E,
        },
    }


def test_a_flavor_may_be_a_url() -> None:
    url = "http://gateway/compute/v2.1/flavors/"
    body = {"server": {"flavorRef": url + "1"}}
    assert ids_in_body(SERVER, body, request=True) == [("flavor", "1")]
    assert asked(SERVER, body) == {"server": {"flavorRef": url + "flavor:1"}}


def test_a_server_booted_from_a_volume_has_an_empty_image() -> None:
    body = {"server": {"image": ""}}
    assert shown(SERVER, body) is body


def test_links_go_with_the_ids() -> None:
    href = [{"rel": "self", "href": "http://x"}]
    body = {
        "servers": [{"id": A, "flavor": {"id": B, "links": href}, "links": href}],
        "servers_links": href,
    }
    changed = [{"rel": "self", "href": f"{LINK}:http://x"}]
    assert shown(SERVER, body) == {
        "servers": [
            {
                "id": f"server:{A}",
                "flavor": {"id": f"flavor:{B}", "links": changed},
                "links": changed,
            }
        ],
        "servers_links": changed,
    }
    assert ids_in_body(SERVER, body) == [("server", A), ("flavor", B)]


def test_the_body_given_is_never_changed() -> None:
    server = {"id": A, "tags": []}
    body = {"servers": [server]}
    new = shown(SERVER, body)
    assert body == {"servers": [{"id": A, "tags": []}]}
    assert new["servers"][0]["tags"] is server["tags"]


def test_what_needs_no_change_is_the_same_object() -> None:
    body = {"servers": [{"id": A, "flavor": {"id": "1"}}]}
    assert rewrite_body(SERVER, body, lambda kind, value: value) is body


@pytest.mark.parametrize("body", [None, [], "text", 1, {"server": None}, {"server": [1, "x"]}])
def test_bodies_of_other_forms_pass(body: Any) -> None:
    assert shown(SERVER, body) is body
    assert asked(SERVER, body) is body


def test_keypairs_are_wrapped_twice() -> None:
    body = {"keypairs": [{"keypair": {"name": A, "user_id": B}}]}
    assert ids_in_body(form("compute", "keypair"), body) == [("keypair", A), (USER, B)]


def test_the_zone_of_an_aggregate_is_in_its_metadata_too() -> None:
    aggregate = form("compute", "aggregate")
    body = {"aggregate": {"id": 1, "metadata": {"availability_zone": "az", "note": A}}}
    assert ids_in_body(aggregate, body) == [("aggregate", 1), (ZONE, "az")]
    action = {"set_metadata": {"metadata": {"availability_zone": "az", "note": A}}}
    assert ids_in_action(aggregate, action) == [(ZONE, "az")]


def test_actions() -> None:
    body = {"rebuild": {"imageRef": A, "metadata": {"imageRef": B}, "name": C}}
    assert rewrite_action(SERVER, body, marked) == {
        "rebuild": {"imageRef": f"image:{A}", "metadata": {"imageRef": B}, "name": C}
    }
    for other in ({"os-start": None}, {"evacuate": {"host": "h"}}, {"reboot": {"type": "SOFT"}}):
        assert rewrite_action(SERVER, other, marked) is other


def test_replies_to_actions() -> None:
    assert rewrite_action_reply(SERVER, "createImage", {"image_id": A}, marked) == {
        "image_id": f"image:{A}"
    }
    assert rewrite_action_reply(SERVER, "rebuild", {"server": {"id": A}}, marked) == {
        "server": {"id": f"server:{A}"}
    }
    upload = {"os-volume_upload_image": {"id": A, "image_id": B, "volume_type": {"id": C}}}
    assert rewrite_action_reply(
        form("block-storage", "volume"), "os-volume_upload_image", upload, marked
    ) == {
        "os-volume_upload_image": {
            "id": f"volume:{A}",
            "image_id": f"image:{B}",
            "volume_type": {"id": f"volume_type:{C}"},
        }
    }
    access = {"flavor_access": [{"flavor_id": "1", "tenant_id": A}]}
    assert rewrite_action_reply(form("compute", "flavor"), "addTenantAccess", access, marked) == {
        "flavor_access": [{"flavor_id": "flavor:1", "tenant_id": f"{PROJECT}:{A}"}]
    }


def test_several_ports_can_be_created_at_once() -> None:
    body = {"ports": [{"network_id": A}, {"network_id": B}]}
    assert ids_in_body(form("network", "port"), body, request=True) == [
        ("network", A),
        ("network", B),
    ]


@pytest.mark.parametrize(
    ("owner", "kind"), [("compute:nova", "server"), ("network:router_interface", "router")]
)
def test_the_device_of_a_port_is_what_its_owner_says(owner: str, kind: str) -> None:
    body = {"port": {"device_owner": owner, "device_id": A, "binding:profile": {"id": B}}}
    assert ids_in_body(form("network", "port"), body) == [(kind, A)]


def test_rules_stand_inside_their_group() -> None:
    group = form("network", "security_group")
    rule = {"id": A, "security_group_id": B, "remote_group_id": None, "description": C}
    body = {"security_group": {"id": B, "name": D, "security_group_rules": [rule]}}
    assert ids_in_body(group, body) == [
        ("security_group", B),
        ("security_group_rule", A),
        ("security_group", B),
    ]


def test_the_interface_of_a_router_is_a_bare_document() -> None:
    interface = form("network", "add_router_interface")
    assert ids_in_body(interface, {"subnet_id": A}, request=True) == [("subnet", A)]
    reply = {"id": A, "port_id": B, "subnet_ids": [C], "network_id": D, "tenant_id": E}
    assert set(ids_in_body(interface, reply)) == {
        ("router", A),
        ("port", B),
        ("subnet", C),
        ("network", D),
        (PROJECT, E),
    }


def test_keys_can_be_ids() -> None:
    allocations = form("placement", "allocations")
    body = {"allocations": {A: {"resources": {"VCPU": 1}}}, "mappings": {"": [B]}}
    assert shown(allocations, body) == {
        "allocations": {f"resource_provider:{A}": {"resources": {"VCPU": 1}}},
        "mappings": {"": [f"resource_provider:{B}"]},
    }
    old = {"allocations": [{"resource_provider": {"uuid": A}, "resources": {"VCPU": 1}}]}
    assert ids_in_body(allocations, old, request=True) == [("resource_provider", A)]


def test_consumers_are_the_keys_of_a_whole_body() -> None:
    body = {A: {"allocations": {B: {"resources": {}}}, "project_id": C}}
    assert set(ids_in_body(form("placement", "bulk_allocations"), body, request=True)) == {
        ("server", A),
        ("resource_provider", B),
        (PROJECT, C),
    }


def test_properties_of_images_that_are_ids_by_convention() -> None:
    body = {"id": A, "owner": B, "kernel_id": C, "os_distro": D, "block_device_mapping": f'["{E}"]'}
    assert set(ids_in_body(IMAGE, body)) == {("image", A), (PROJECT, B), ("image", C)}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "/kernel_id", "value": A},
        {"replace": "/kernel_id", "value": A},
    ],
)
def test_a_json_patch_names_its_field_in_a_path(operation: dict[str, str]) -> None:
    assert asked(IMAGE, [operation]) == [{**operation, "value": f"image:{A}"}]


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "/name", "value": A},
        {"op": "remove", "path": "/kernel_id"},
        {"op": "add", "path": "/locations/-", "value": {"url": A}},
        "nonsense",
    ],
)
def test_other_patches_stay(operation: object) -> None:
    body = [operation]
    assert asked(IMAGE, body) is body


def test_a_type_of_volumes_is_a_name_or_id_when_asked_for() -> None:
    volume = form("block-storage", "volume")
    body = {"volume": {"volume_type": A, "metadata": {"image_id": B}}}
    assert ids_in_body(volume, body, request=True) == [("volume_type", A)]
    assert shown(volume, body) is body


def test_a_volume_knows_where_it_is_attached() -> None:
    attachment = {"id": A, "volume_id": A, "server_id": B, "attachment_id": C, "host_name": D}
    assert set(
        ids_in_body(form("block-storage", "volume"), {"volume": {"attachments": [attachment]}})
    ) == {
        ("volume", A),
        ("server", B),
        ("attachment", C),
    }
