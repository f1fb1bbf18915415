"""What leaves the gateway carries our IDs and our URLs."""

from datetime import UTC, datetime

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from adapters.identity import Identity, SiteToken
from adapters.names import Site
from adapters.registry import all_services, id_rules
from adapters.translate import shape
from federator.call import SiteReply
from federator.globalize import Globalizer, put_back
from federator.route import route
from idmap.ids import global_uuid, site_namespace
from idmap.pins import PinTable

TOKYO = Site("tokyo", site_namespace("tokyo"), 2)
LOCAL = "11111111-1111-4111-8111-111111111111"
GLOBAL = global_uuid(TOKYO.namespace, LOCAL)
HOME_PROJECT, SITE_PROJECT = "a" * 32, "b" * 32
HOME_USER, SITE_USER = "c" * 32, "d" * 64
OURS = "https://fed.example.org"


@pytest.fixture
def globalizer() -> Globalizer:
    identity = Identity(
        "home-token", HOME_USER, "alice", "acme", "acme", HOME_PROJECT, "alpha", "acme", "acme",
        frozenset({"member"}), None, datetime(2030, 1, 1, tzinfo=UTC), {}, {},
    )  # fmt: skip
    endpoints = {
        "compute": "http://site:8774/v2.1",
        "image": "http://site/glance",
        "network": "http://site/net/",
        "volumev3": f"http://site:8776/v3/{SITE_PROJECT}",
    }
    token = SiteToken(
        "tokyo", "site-token", SITE_USER, SITE_PROJECT, datetime(2030, 1, 1, tzinfo=UTC), {}
    )
    services = tuple(all_services().values())
    return Globalizer(TOKYO, token, identity, services, OURS, PinTable(), id_rules(), endpoints)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (f"http://site:8774/v2.1/servers/{LOCAL}", f"{OURS}/compute/v2.1/servers/{GLOBAL}"),
        (f"http://site:8774/servers/{LOCAL}", f"{OURS}/compute/servers/{GLOBAL}"),
        (
            f"http://site:8774/v2.1/{SITE_PROJECT}/servers/{LOCAL}",
            f"{OURS}/compute/v2.1/{HOME_PROJECT}/servers/{GLOBAL}",
        ),
        (f"http://site/glance/v2/images/{LOCAL}", f"{OURS}/image/v2/images/{GLOBAL}"),
        (f"http://site/net/v2.0/ports?id={LOCAL}", f"{OURS}/network/v2.0/ports?id={GLOBAL}"),
        (
            f"http://site:8776/v3/{SITE_PROJECT}/volumes/{LOCAL}",
            f"{OURS}/volume/v3/{HOME_PROJECT}/volumes/{GLOBAL}",
        ),
        ("http://site:8774/v2.1/flavors/1", f"{OURS}/compute/v2.1/flavors/1"),
    ],
)
def test_a_link_of_a_site_becomes_ours(globalizer, theirs, ours):
    assert globalizer.link(theirs) == ours


def test_a_link_under_another_name_of_the_host_is_known_by_its_path(globalizer):
    assert (
        globalizer.link(f"http://glance.internal:9292//images/{LOCAL}")
        == f"{OURS}/image/images/{GLOBAL}"
    )
    assert (
        globalizer.link(f"http://nova.internal/compute/v2.1/servers/{LOCAL}")
        == f"{OURS}/compute/v2.1/servers/{GLOBAL}"
    )


def test_a_url_of_something_else_is_left_alone(globalizer):
    console = f"http://novnc.site:6080/vnc_auto.html?path=%3Ftoken%3D{LOCAL}"

    assert globalizer.link(console) == console


def test_ids_owners_and_links_of_a_body_are_ours_and_first_sights_are_collected(globalizer):
    service = all_services()["compute"]
    call = route(service, "GET", f"/v2.1/servers/{GLOBAL}")
    assert call is not None
    body = {
        "server": {
            "id": LOCAL,
            "name": LOCAL,
            "tenant_id": SITE_PROJECT,
            "user_id": SITE_USER,
            "metadata": {"note": LOCAL},
            "OS-EXT-AZ:availability_zone": "nova",
            "links": [{"rel": "self", "href": f"http://site:8774/v2.1/servers/{LOCAL}"}],
        }
    }
    headers = CIMultiDictProxy(CIMultiDict({"Location": f"http://site:8774/v2.1/servers/{LOCAL}"}))
    form = shape(service, call.resource)

    reply = globalizer.reply(call, form, SiteReply("tokyo", 200, headers, body, b"raw"))

    assert reply.body["server"] == {
        "id": GLOBAL,
        "name": LOCAL,
        "tenant_id": HOME_PROJECT,
        "user_id": HOME_USER,
        "metadata": {"note": LOCAL},
        "OS-EXT-AZ:availability_zone": "tokyo",
        "links": [{"rel": "self", "href": f"{OURS}/compute/v2.1/servers/{GLOBAL}"}],
    }
    assert reply.headers["Location"] == f"{OURS}/compute/v2.1/servers/{GLOBAL}"
    assert reply.raw == b""
    assert globalizer.seen == {LOCAL}


def test_a_body_that_needs_no_change_keeps_its_bytes(globalizer):
    service = all_services()["compute"]
    call = route(service, "GET", f"/v2.1/servers/{GLOBAL}/metadata")
    assert call is not None
    form = shape(service, call.resource) if call.resource else None
    body = {"metadata": {"a": "b"}}

    reply = globalizer.reply(call, form, SiteReply("tokyo", 200, body=body, raw=b'{"as it came"}'))

    assert reply.raw == b'{"as it came"}'


def test_an_error_text_names_the_ids_the_client_knows(globalizer):
    text = f"Instance {LOCAL} could not be found.".encode()

    assert put_back(text, {LOCAL: GLOBAL}) == f"Instance {GLOBAL} could not be found.".encode()
    assert globalizer.suspects(text) == {LOCAL: GLOBAL}
    assert globalizer.suspects(b"req-nothing here 1234") == {}
