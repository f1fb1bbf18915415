"""`federator site check` against real sites: what it finds, and that it changes nothing."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from click.testing import CliRunner, Result

from adapters.account import Account
from adapters.directory import Directory
from adapters.rights import SITE
from adapters.sites import Site, load_sites
from federator.cli import main
from federator.doctor.checks import a_keystone
from federator.doctor.patient import Heard, Patient
from federator.doctor.ward import Ward
from tests.session.test_mapped import SECRET, mapped_clouds
from tests.session.world import SITES, gateway_at, new_people

at_each_site = pytest.mark.parametrize("site", SITES)


class Desk:
    """An operator with a settings file of his own, and a copy of the lab's clouds.yaml."""

    def __init__(self, clouds_yaml: Path, folder: Path) -> None:
        self.clouds: dict[str, Any] = yaml.safe_load(clouds_yaml.read_text())
        self._folder = folder
        self.segments = ""
        (folder / "secret").write_text("s" * 64)
        (folder / "secret").chmod(0o600)

    def entry(self, name: str) -> dict[str, Any]:
        entry: dict[str, Any] = self.clouds["clouds"][name]
        entry.setdefault("federation", {})
        return entry

    async def check(self, *words: str) -> Result:
        settings = {"sites": list(SITES), "clouds": "clouds.yaml", "secret_file": "secret"}
        settings |= {"segments": self.segments} if self.segments else {}
        (self._folder / "federator.yaml").write_text(yaml.safe_dump(settings))
        (self._folder / "clouds.yaml").write_text(yaml.safe_dump(self.clouds))
        config = str(self._folder / "federator.yaml")
        arguments = ["site", "check", "--config", config, *words]
        return await asyncio.to_thread(CliRunner().invoke, main, arguments)


@pytest.fixture
def desk(clouds_yaml: Path, tmp_path: Path) -> Desk:
    return Desk(clouds_yaml, tmp_path)


def wrong(result: Result) -> list[str]:
    return [line for line in result.output.splitlines() if " WRONG " in line]


@asynccontextmanager
async def account_with(clouds_yaml: Path, site: str, role: str) -> AsyncIterator[str]:
    """The name of an account at a site, with this role on the project of the gateway's own."""
    keystone = Account(load_sites(clouds_yaml, [site])[site])
    directory = Directory(keystone)
    try:
        myself = await keystone.myself()
        name = f"weak-{uuid.uuid4().hex[:8]}"
        new = {"name": name, "domain_id": "default", "password": name}
        user, role_entry = await directory.add("users", new), await directory.find("roles", role)
        assert user
        assert role_entry
        await directory.grant_to_user(myself.project_id, user["id"], role_entry["id"])
        yield name
        await directory.call("DELETE", f"/users/{user['id']}", None, {204})
    finally:
        keystone.close()


Writes = list[tuple[str, str, int]]


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> Writes:
    """Method, path and status of every call of an account that could change something."""
    seen: Writes = []
    real = Account.request

    async def request(self: Account, method: str, service_type: str, path: str, *more: Any) -> Any:
        answer = await real(self, method, service_type, path, *more)
        if method not in ("GET", "HEAD"):
            seen.append((method, path, answer.status))
        return answer

    monkeypatch.setattr(Account, "request", request)
    return seen


async def grants_of(clouds_yaml: Path, site: str) -> list[str]:
    """What the gateway's account itself has been given at a site."""
    keystone = Account(load_sites(clouds_yaml, [site])[site])
    try:
        user_id = (await keystone.myself()).user_id
        path = f"/role_assignments?user.id={user_id}"
        answer = await Directory(keystone).call("GET", path, None, {200})
        return sorted(json.dumps(each) for each in answer.json["role_assignments"])
    finally:
        keystone.close()


@pytest.mark.parametrize("strategy", ["k2k", "mapped", "oidc"])
async def test_the_sites_of_the_lab_are_fit(desk: Desk, strategy: str) -> None:
    for site in SITES:
        federation = desk.entry(site)["federation"]
        federation |= {"strategy": strategy, "identity_provider": "corp"}
    result = await desk.check()
    assert not wrong(result), result.output
    assert result.exit_code == 0
    for site in ("home", *SITES):
        assert f"{site:<10} ok     all " in result.output


@at_each_site
@pytest.mark.parametrize("strategy", ["k2k", "mapped"])
async def test_rights_that_are_missing_are_named_with_their_rule(
    desk: Desk, clouds_yaml: Path, site: str, strategy: str
) -> None:
    entry = desk.entry(site)
    entry["federation"]["strategy"] = strategy
    async with account_with(clouds_yaml, site, "reader") as name:
        entry["auth"] |= {"username": name, "password": name}
        result = await desk.check(site)
    assert result.exit_code == 1
    said = "\n".join(wrong(result))
    for right in SITE:
        if right.service == "identity" and right.method != "GET":
            needed = not right.strategies or strategy in right.strategies
            assert (f"may not {right} of identity (403)" in said) == needed, right
            assert not needed or f"cure: allow {right.rule} to it" in said
    assert "has not the role admin" in result.output


@at_each_site
@pytest.mark.parametrize("strategy", ["k2k", "mapped"])
async def test_a_check_changes_nothing(
    desk: Desk, clouds_yaml: Path, site: str, strategy: str, writes: Writes
) -> None:
    desk.entry(site)["federation"]["strategy"] = strategy
    before = await grants_of(clouds_yaml, site)
    result = await desk.check(site)
    assert result.exit_code == 0, result.output
    assert await grants_of(clouds_yaml, site) == before
    given_again = [path for method, path, status in writes if (method, status) == ("PUT", 204)]
    assert len(given_again) == 1
    assert len(writes) > 4
    for method, path, status in writes:
        # Refused for a reason that has nothing to do with rights, so the right was there.
        assert path in given_again or status in (404, 409), (method, path, status)


async def test_an_account_that_cannot_log_in_is_one_line(desk: Desk) -> None:
    desk.entry("paris")["auth"]["password"] = "wrong"
    result = await desk.check("paris")
    assert result.exit_code == 1
    (line,) = wrong(result)
    assert "the gateway's account cannot log in: HTTP 401" in line
    assert "wrong" not in result.output.replace("WRONG", "")


async def test_a_site_that_is_away_is_told_beside_the_others(
    desk: Desk, unused_tcp_port: int
) -> None:
    desk.entry("tokyo")["auth"]["auth_url"] = f"http://127.0.0.1:{unused_tcp_port}/v3"
    result = await desk.check("paris", "tokyo")
    assert result.exit_code == 1
    assert all(line.startswith("tokyo") for line in wrong(result))
    assert "cannot be asked: no connection; cure: clouds.tokyo.auth.auth_url" in result.output
    assert "paris      ok     all" in result.output


async def test_what_is_no_keystone_is_told(desk: Desk) -> None:
    keystone = urlsplit(desk.entry("paris")["auth"]["auth_url"])
    assert keystone.port is not None
    glance = keystone._replace(netloc=f"{keystone.hostname}:{keystone.port + 4}")
    desk.entry("paris")["auth"]["auth_url"] = glance.geturl()
    result = await desk.check("paris")
    assert "is no Keystone" in result.output
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"service_provider": "atlantis"}, "home has no service provider atlantis; cure: register"),
        ({"group_domain": "atlantis"}, "it has no domain atlantis; cure: step 2"),
        (
            {"strategy": "oidc", "identity_provider": "atlantis"},
            "it has no identity provider atlantis",
        ),
        (
            {"strategy": "oidc", "identity_provider": "corp", "protocol": "atlantis"},
            "corp has no protocol atlantis",
        ),
        ({"group_domain": "Default"}, "identity provider home is not of domain Default"),
    ],
)
async def test_what_home_and_site_do_not_know_of_each_other_is_told(
    desk: Desk, setting: dict[str, str], said: str
) -> None:
    desk.entry("paris")["federation"] |= setting
    result = await desk.check("paris")
    assert said in "\n".join(wrong(result))
    assert result.exit_code == 1


async def test_services_that_the_catalogue_does_not_have_are_noted(desk: Desk) -> None:
    desk.entry("paris")["region_name"] = "atlantis"
    desk.entry("paris")["identity_endpoint_override"] = desk.entry("paris")["auth"]["auth_url"]
    result = await desk.check("paris")
    assert "no compute in its catalogue (interface public, region atlantis)" in result.output


async def test_a_service_that_is_not_where_it_should_be_is_told(
    desk: Desk, unused_tcp_port: int
) -> None:
    desk.entry("paris")["image_endpoint_override"] = f"http://127.0.0.1:{unused_tcp_port}"
    result = await desk.check("paris")
    assert any("image at http://127.0.0.1" in line for line in wrong(result)), result.output


async def test_sites_are_compared_with_each_other(desk: Desk) -> None:
    desk.entry("tokyo")["federation"]["physical_network"] = "physnet2"
    desk.segments = "3000-3999"
    result = await desk.check("tokyo", "paris")
    assert result.exit_code == 0, result.output
    said = {
        site: "\n".join(line for line in result.output.splitlines() if line.startswith(site))
        for site in SITES
    }
    assert "compute has 2.95, which keeps the whole federation at 2.95" in said["tokyo"]
    assert "lacks extensions that all others have" in said["tokyo"]
    assert "keeps the whole federation" not in said["paris"]
    assert "network is lifted by the gateway: Subnets say" in said["tokyo"]
    assert "its networks have an MTU of up to 1500 (flat)" in said["tokyo"]
    assert "from which VLAN IDs its Neutron takes one for tenants cannot be read" in said["tokyo"]
    assert "no network of the site can span others" in said["paris"]
    assert "a router may have 30 routes" in said["paris"]
    assert "how many routes a router may have its Neutron does not tell" in said["tokyo"]
    for site in SITES:
        assert "a new project has quotas to begin with" in said[site]
        assert "tokens and data go there by plain HTTP: identity, block-storage" in said[site]
        assert "an answer takes" in said[site]


async def test_programs_get_the_same_as_json(desk: Desk) -> None:
    desk.entry("tokyo")["federation"]["service_provider"] = "atlantis"
    result = await desk.check("tokyo", "--json")
    assert result.exit_code == 1
    found = json.loads(result.output)
    assert list(found) == ["tokyo"]
    assert {finding["level"] for finding in found["tokyo"]} == {"good", "note", "wrong"}
    (bad,) = [finding for finding in found["tokyo"] if finding["level"] == "wrong"]
    assert bad["what"] == "home has no service provider atlantis"
    assert bad["cure"]


async def test_a_name_that_is_no_site_is_one_line(desk: Desk) -> None:
    result = await desk.check("atlantis")
    assert result.exit_code != 0
    assert "there is no site atlantis; there are home, paris, tokyo" in str(result.exception)


@pytest.mark.parametrize(("seconds", "said"), [(90, "seconds ahead"), (-3600, "seconds behind")])
async def test_a_clock_that_is_wrong_is_told(seconds: float, said: str) -> None:
    site = Site("paris", "https://paris/v3", "password", {})
    there = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)

    async def ask(where: Site, url: str) -> Heard:
        return Heard(200, {"Date": there}, b'{"version": {"id": "v3.14"}}')

    account = Account(site)
    try:
        patient = Patient(site, site, account, account, {}, ask, Ward({}, {}, None))  # type: ignore[arg-type]
        found = [finding async for finding in a_keystone.check(patient)]
    finally:
        account.close()
    assert [finding.level for finding in found] == ["good", "wrong"]
    assert said in found[1].what


async def test_users_that_stand_for_nobody_any_more_are_noted(
    desk: Desk, clouds_yaml: Path, tmp_path: Path
) -> None:
    path = mapped_clouds(clouds_yaml, tmp_path)
    desk.entry("paris")["federation"]["strategy"] = "mapped"
    async with new_people(clouds_yaml) as people, gateway_at(path, secret=SECRET) as gateway:
        await people.project("alpha")
        home_id = await people.user("alice", alpha="member")
        token = await gateway.site_token(await people.login("alice", "alpha"), "paris")
        assert token.user_id not in (await desk.check("paris")).output
        await Directory(people.account).call("DELETE", f"/users/{home_id}", None, {204})
        result = await desk.check("paris")
    assert result.exit_code == 0
    (line,) = [line for line in result.output.splitlines() if "stand for nobody" in line]
    assert token.user_id in line
    assert "openstack user delete" in line
