"""A site that is stopped for real, gateways that start meanwhile, and the site coming back."""

from functools import partial

import pytest
import redis
import requests

from tests.adversarial.gateways import ROOTS
from tests.e2e.api import Api, cloud
from tests.e2e.waiting import until
from tests.missing_site.conftest import World
from tests.missing_site.things import LEAVES, STAYS, boot

pytestmark = pytest.mark.alone

NOBODYS = "0f0e0d0c-0b0a-4908-8706-050403020100"


@pytest.fixture(scope="module")
def servers(world: World) -> dict[str, str]:
    """One server at each site, by name. Nobody ever lists or shows that of the site that leaves."""
    with world.client() as api:
        stays = boot(api, STAYS, "stays")["id"]
        image = api.get("image", "/v2/images?name=cirros")["images"][0]["id"]
        body = {"name": "leaves", "imageRef": image, "flavorRef": "1", "networks": "none"}
        made = api.do(
            "POST", "compute", "/servers", {"server": body}, site=LEAVES, microversion="2.37"
        )
    return {"stays": stays, "leaves": made["server"]["id"]}


def _shown(api: Api) -> dict[str, str]:
    return {each["id"]: each["status"] for each in api.get("compute", "/servers/detail")["servers"]}


def test_everything_goes_on_while_a_site_is_stopped_and_after_it_is_back(
    world: World, servers: dict[str, str]
) -> None:
    old = world.gateway
    versions = _versions(old.url)
    _until_read(world)
    with world.client(old) as api:
        limits = api.get("compute", "/limits")
    with world.stopped():
        with world.client(old) as api:
            assert _shown(api) == {servers["stays"]: "ACTIVE", servers["leaves"]: "UNKNOWN"}
            assert api.get("compute", "/limits") == limits
            _filters_and_refusals(api, servers)
            boot(api, STAYS, "made meanwhile")
        _gateways_that_start_meanwhile(world, servers, versions)
    for gateway in (old, world.gateway):
        with world.client(gateway) as api:
            until(partial(_is_active, api, servers["leaves"]), "all is as before")
            response = api.call("GET", "compute", "/servers")
            assert "X-Federation-Missing-Sites" not in response.headers
            assert len(response.json()["servers"]) == 3


def _filters_and_refusals(api: Api, servers: dict[str, str]) -> None:
    """What is found, what nobody can know, and what cannot be done."""
    found = api.get("compute", "/servers?name=leaves")["servers"]
    assert [each["id"] for each in found] == [servers["leaves"]]
    assert api.call("GET", "compute", f"/servers/{NOBODYS}").status_code == 404
    new = {"network": {"name": "new"}}
    for refused in (
        api.call("GET", "compute", "/servers?tags=blue"),
        api.call("POST", "network", "/v2.0/networks", new, site=LEAVES),
        api.call("DELETE", "compute", f"/servers/{servers['leaves']}"),
    ):
        assert refused.status_code == 503
        assert refused.headers["Retry-After"]


def _is_active(api: Api, server: str) -> bool:
    return _shown(api).get(server) == "ACTIVE"


def _gateways_that_start_meanwhile(
    world: World, servers: dict[str, str], versions: list[str]
) -> None:
    """One that has never seen the site knows it as well as any other."""
    young = world.fleet.add()
    assert _versions(young.url) == versions
    with world.client(young) as api:
        response = api.call("GET", "compute", "/servers/detail")
        assert response.headers["X-Federation-Missing-Sites"] == LEAVES
        assert _shown(api)[servers["leaves"]] == "UNKNOWN"
        shown = api.get("compute", f"/servers/{servers['leaves']}")["server"]
        assert (shown["name"], shown["status"]) == ("leaves", "UNKNOWN")
    listed = {row["ID"]: row["Status"] for row in world.openstack.rows("server", "list")}
    assert listed[servers["leaves"]] == "UNKNOWN"
    assert world.openstack.show("server", "show", servers["leaves"])["status"] == "UNKNOWN"


def _versions(url: str) -> list[str]:
    """What the version documents say, but for the port in their links."""
    texts = [requests.get(f"{url}/{root}/", timeout=30).text for root in ROOTS]
    return [text.replace(url, "") for text in texts]


def _until_read(world: World) -> None:
    """The upkeep has read of the site's servers by itself, all of them."""
    site = cloud(world.lab, f"{LEAVES}-admin")
    there = site.get("compute", "/servers?all_tenants=1")["servers"]
    site.close()
    assert there

    def known() -> bool:
        with redis.Redis.from_url(world.fleet.redis.url) as client:
            kept = [client.hkeys(key) for key in client.scan_iter("federator:rec:*:server:*")]
        fields = {field for each in kept for field in each}
        return {bytes.fromhex(each["id"].replace("-", "")) for each in there} <= fields

    until(known, "the upkeep has seen every server")
