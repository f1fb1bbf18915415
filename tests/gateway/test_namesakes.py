"""Which objects of two sites are one, and which only look alike."""

from adapters.names import Site
from adapters.registry import all_services
from federator.upkeep.namesakes import equal_pins, unnoticed
from idmap.ids import global_uuid, site_namespace
from idmap.store import Pin

PARIS = Site("paris", site_namespace("paris"), 1)
TOKYO = Site("tokyo", site_namespace("tokyo"), 2)
FLAVOR = all_services()["compute"].resource("flavor")
IMAGE = all_services()["image"].resource("image")
NETWORK = all_services()["network"].resource("network")
A, B, C = (f"{n}" * 8 + "-0000-4000-8000-000000000000" for n in (1, 2, 3))


def image(local_id, name="cirros", value="abc", visibility="public"):
    return {
        "id": local_id,
        "name": name,
        "os_hash_algo": "sha512",
        "os_hash_value": value,
        "visibility": visibility,
    }


def flavor(local_id, ram=512, name="m1.tiny"):
    return {"id": local_id, "name": name, "ram": ram, "vcpus": 1, "disk": 1, "swap": 0}


def pins(resource, paris, tokyo, sites=(PARIS, TOKYO)):
    return equal_pins(resource, sites, {"paris": paris, "tokyo": tokyo})


def test_public_images_of_one_name_and_one_content_are_one():
    found = pins(IMAGE, [image(A)], [image(B)])

    expected = global_uuid(PARIS.namespace, A)
    assert found == [Pin(expected, "image", "equal", {"paris": A, "tokyo": B})]


def test_the_first_configured_site_gives_the_id():
    found = pins(IMAGE, [image(A)], [image(B)], sites=(TOKYO, PARIS))

    assert [pin.global_id for pin in found] == [global_uuid(TOKYO.namespace, B)]


def test_images_that_differ_in_content_name_or_visibility_are_not_one():
    assert pins(IMAGE, [image(A)], [image(B, value="abd")]) == []
    assert pins(IMAGE, [image(A)], [image(B, name="other")]) == []
    assert pins(IMAGE, [image(A)], [image(B, visibility="private")]) == []


def test_images_without_content_prove_nothing():
    assert pins(IMAGE, [image(A, value=None)], [image(B, value=None)]) == []


def test_of_two_equal_ones_at_one_site_the_first_stands_for_it():
    found = pins(IMAGE, [image(A), image(C)], [image(B)])

    assert [pin.places for pin in found] == [{"paris": A, "tokyo": B}]


def test_flavors_with_chosen_ids_keep_them():
    found = pins(FLAVOR, [flavor("1")], [flavor("1")])

    assert found == [Pin("1", "flavor", "equal", {"paris": "1", "tokyo": "1"})]


def test_equal_flavors_of_different_ids_are_one_under_the_first_sites_id():
    found = pins(FLAVOR, [flavor("1")], [flavor("77")])

    assert found == [Pin("1", "flavor", "equal", {"paris": "1", "tokyo": "77"})]


def test_one_id_for_two_things_is_told_apart_by_site():
    found = pins(FLAVOR, [flavor("1", ram=512)], [flavor("1", ram=1024)])

    assert {pin.global_id: pin.places for pin in found} == {
        "1": {"paris": "1"},
        "1@tokyo": {"tokyo": "1"},
    }


def test_only_external_networks_are_one_by_name():
    def net(local_id, external):
        return {"id": local_id, "name": "public", "router:external": external}

    assert pins(NETWORK, [net(A, False)], [net(B, False)]) == []
    assert len(pins(NETWORK, [net(A, True)], [net(B, True)])) == 1


def test_no_items_give_no_pins():
    assert pins(IMAGE, [], []) == []


def test_equal_objects_that_are_not_one_yet_are_noticed():
    assert unnoticed(IMAGE, [[image(A)], [image(B)]])
    assert not unnoticed(IMAGE, [[image(A)], [image(A)]])
    assert not unnoticed(IMAGE, [[image(A), image(C)], [image(A)]])
    assert not unnoticed(IMAGE, [[image(A), image(C)], []])
    assert not unnoticed(IMAGE, [])
