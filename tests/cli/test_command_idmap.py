"""``federator idmap show`` and ``federator idmap rebuild``, beside a gateway that runs."""

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.adversarial.gateways import SITES
from tests.cli.command import Said, clouds_without, federator, settings_file, started
from tests.cli.conftest import Desk
from tests.e2e.api import Api, cloud
from tests.e2e.running import free_port
from tests.e2e.waiting import until

NOBODYS = "11111111-2222-4333-8444-555555555555"


@dataclass(frozen=True)
class Network:
    """A network at a site, with both of its IDs."""

    site: str
    global_id: str
    local_id: str


@pytest.fixture(scope="module")
def networks(desk: Desk) -> Iterator[dict[str, Network]]:
    """A network at each site, made through the gateway."""
    member, made = desk.login(), {}
    name = f"mapped-{desk.people.domain}"
    for site in SITES:
        body = {"network": {"name": name}}
        new = member.do("POST", "network", "/v2.0/networks", body, site=site)["network"]["id"]
        admin = cloud(desk.lab, f"{site}-admin")
        (local,) = admin.get("network", f"/v2.0/networks?name={name}")["networks"]
        admin.close()
        made[site] = Network(site, new, local["id"])
    yield made
    for each in made.values():
        member.do("DELETE", "network", f"/v2.0/networks/{each.global_id}")
    member.close()


@pytest.fixture(params=SITES)
def network(request: pytest.FixtureRequest, networks: dict[str, Network]) -> Network:
    """The network of each site in turn."""
    return networks[request.param]


def show(desk: Desk, any_id: str) -> Said:
    return federator("idmap", "show", "--config", desk.config, any_id)


def test_a_global_id_is_shown_with_its_place(desk: Desk, network: Network) -> None:
    said = show(desk, network.global_id)
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines() == [
        f"{network.global_id}  computed",
        f"  {network.site}  {network.local_id}",
    ]


def test_a_local_uuid_leads_to_the_same(desk: Desk, network: Network) -> None:
    assert show(desk, network.local_id) == show(desk, network.global_id)


def test_an_id_may_be_spelt_in_other_ways(desk: Desk, networks: dict[str, Network]) -> None:
    paris, tokyo = networks.values()
    assert paris.local_id in show(desk, paris.global_id.replace("-", "")).out
    assert tokyo.local_id in show(desk, tokyo.global_id.upper()).out


def test_a_project_is_shown_with_its_places(desk: Desk, network: Network) -> None:
    said = show(desk, desk.people.project_id)
    assert (said.code, said.err) == (0, "")
    first, *places = said.out.splitlines()
    assert first == f"{desk.people.project_id}  project, pinned (mapping)"
    admin = cloud(desk.lab, f"{network.site}-admin")
    tag = f"federator-home-{desk.people.project_id}"
    (project,) = admin.get("identity", f"/projects?tags={tag}")["projects"]
    admin.close()
    assert f"  {network.site}  {project['id']}" in places


def test_a_user_is_shown_with_those_who_act_for_him(desk: Desk, network: Network) -> None:
    said = show(desk, desk.people.user_id)
    assert said.code == 0
    first, *aliases = said.out.splitlines()
    assert first == f"{desk.people.user_id}  user, pinned (mapping)"
    acting = [line for line in aliases if line.startswith(f"  {network.site}  ")]
    assert acting
    assert all(line.endswith("(shown as this, never acted on)") for line in acting)


def test_an_image_that_is_one_is_shown_with_both_places(desk: Desk, member: Api) -> None:
    (image,) = member.get("image", "/v2/images?name=cirros")["images"]
    said = show(desk, image["id"])
    assert said.code == 0
    first, *places = said.out.splitlines()
    assert first == f"{image['id']}  image, pinned (equal)"
    assert [place.split()[0] for place in places] == list(SITES)
    # And so it is by the local ID of either site.
    for place in places:
        assert show(desk, place.split()[1]).out == said.out


@pytest.mark.parametrize("unknown", [NOBODYS, "mapped-network", "ж/;"])
def test_what_nobody_knows(desk: Desk, unknown: str) -> None:
    said = show(desk, unknown)
    assert (said.code, said.out) == (1, "")
    assert said.err == f"{unknown} is not known, and the map is complete.\n"


def test_a_rebuild_beside_a_gateway(desk: Desk, networks: dict[str, Network], member: Api) -> None:
    def mine() -> Said | None:
        said = federator("idmap", "rebuild", "--config", desk.config)
        # The gateway may be at it itself.
        return None if "somebody else is rebuilding" in said.err else said

    said = until(mine, "nobody else rebuilds the map")
    assert said.code == 0, said.err
    lines = said.out.splitlines()
    assert lines[-1] == "the ID map is complete"
    for site, network in networks.items():
        assert any(line.startswith(f"{site}: ") and line.endswith(" networks") for line in lines)
        shown = member.get("network", f"/v2.0/networks/{network.global_id}")
        assert shown["network"]["id"] == network.global_id


def test_a_rebuild_restores_what_redis_has_lost(
    desk: Desk, networks: dict[str, Network], tmp_path: Path
) -> None:
    # Another database of the same Redis: nothing is in it yet.
    settings = {"clouds": str(desk.lab), "sites": list(SITES), "redis": f"{desk.redis.url}?db=1"}
    config = settings_file(tmp_path / "federator.yaml", settings)
    paris, tokyo = (network.global_id for network in networks.values())
    before = federator("idmap", "show", "--config", config, paris)
    assert before.code == 1
    assert "not known yet: the map is incomplete; run federator idmap rebuild" in before.err
    assert federator("idmap", "rebuild", "--config", config).code == 0
    for known in (paris, tokyo, desk.people.project_id):
        assert federator("idmap", "show", "--config", config, known) == show(desk, known)


def test_two_rebuilds_at_once(desk: Desk) -> None:
    with started("idmap", "rebuild", "--config", desk.config) as first:
        assert first.stdout is not None
        begun = first.stdout.readline()
        # It stands still while it holds the lock.
        first.send_signal(signal.SIGSTOP)
        try:
            second = federator("idmap", "rebuild", "--config", desk.config)
        finally:
            first.send_signal(signal.SIGCONT)
        out, err = first.communicate(timeout=120)
    assert "projects" in begun
    assert second.code == 1
    assert second.out == ""
    assert second.err == "somebody else is rebuilding the map; nothing done\n"
    assert first.returncode == 0, err
    assert out.splitlines()[-1] == "the ID map is complete"


def test_a_rebuild_with_a_site_down_says_what_is_not_read(desk: Desk, tmp_path: Path) -> None:
    clouds = clouds_without(desk.lab, tmp_path / "clouds.yaml", "tokyo", free_port())
    settings = {"clouds": str(clouds), "sites": list(SITES), "redis": f"{desk.redis.url}?db=2"}
    config = settings_file(tmp_path / "federator.yaml", settings)
    said = federator("idmap", "rebuild", "--config", config)
    assert said.code == 1
    lines = said.out.splitlines()
    assert lines[-1] == "the ID map is partial"
    for kind in ("servers", "networks", "volumes", "images", "projects and users"):
        assert any(line.startswith(f"tokyo: {kind} not read: ") for line in lines), kind
    assert not any(line.startswith("paris: ") and "not read" in line for line in lines)
    unknown = federator("idmap", "show", "--config", config, NOBODYS)
    assert unknown.code == 1
    assert "the map is incomplete" in unknown.err
