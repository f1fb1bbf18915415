"""What real sites and home make of a login that is used twice, made up, or over."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.adversarial.client import Login, log_in
from tests.adversarial.gateways import SITES, GatewayProcess
from tests.adversarial.realm import Realm, site_urls
from tests.adversarial.test_bad_tokens import PATHS, is_401
from tests.session.world import Gateway, People, gateway_at, new_people

PAOS = {"Content-Type": "application/vnd.paos+xml"}
AUTH = "/v3/OS-FEDERATION/identity_providers/home/protocols/saml2/auth"
SERVICES = [service for service in PATHS if service != "identity"]


async def assertion_for(
    http: aiohttp.ClientSession, people: People, gateway: Gateway, site: str
) -> str:
    """What home says to a site of somebody who has been there before."""
    await people.project("alpha")
    await people.user("alice", alpha="member")
    token = await people.login("alice", "alpha")
    await gateway.site_token(token, site)
    auth = {
        "identity": {"methods": ["token"], "token": {"id": token}},
        "scope": {"service_provider": {"id": site}},
    }
    url = f"{people.auth_url}/auth/OS-FEDERATION/saml2/ecp"
    async with http.post(url, json={"auth": auth}) as response:
        assert response.status == 200
        return await response.text()


async def shown(http: aiohttp.ClientSession, url: str, assertion: str) -> tuple[int, str]:
    """The status of a site's answer to an assertion, and the cookie it gave."""
    async with http.post(
        f"{url}/v3/mellon/paosResponse", data=assertion, headers=PAOS, allow_redirects=False
    ) as response:
        return response.status, response.headers.get("Set-Cookie", "").partition(";")[0]


@pytest.mark.parametrize("site", SITES)
async def test_an_assertion_is_good_once_for_one_site_and_unchanged(
    lab: Path, http: aiohttp.ClientSession, site: str
) -> None:
    other = next(each for each in SITES if each != site)
    urls = site_urls(lab)
    async with new_people(lab) as people, gateway_at(lab) as gateway:
        assertion = await assertion_for(http, people, gateway, site)
        assert "alice" in assertion
        changed = assertion.replace("alice", "admin")
        assert await shown(http, urls[site], changed) == (400, "")
        assert (await shown(http, urls[other], assertion))[0] == 400
        status, cookie = await shown(http, urls[site], assertion)
        assert status == 303
        assert cookie
        assert await shown(http, urls[site], assertion) == (400, "")


@pytest.mark.parametrize("site", SITES)
async def test_what_apache_says_of_a_login_nobody_else_can_say(
    lab: Path, http: aiohttp.ClientSession, site: str
) -> None:
    claims = {"User": "admin", "User-Domain": "Default", "Project": "admin", "Roles": "admin"}
    headers = {f"X-Fed-{name}": value for name, value in claims.items()}
    headers |= {f"MELLON_openstack_{name.lower()}": value for name, value in claims.items()}
    async with http.get(site_urls(lab)[site] + AUTH, headers={**PAOS, **headers}) as response:
        assert response.status >= 400
        assert "X-Subject-Token" not in response.headers


async def soon_all_401(gateway: GatewayProcess, login: Login) -> None:
    """Until every service refuses the login, each in its own form: 401 and where to log in."""
    deadline = asyncio.get_running_loop().time() + 60
    while True:
        answers = await asyncio.gather(
            *(login.ask("GET", service, PATHS[service]) for service in SERVICES)
        )
        if all(is_401(answer, gateway) for answer in answers):
            return
        assert asyncio.get_running_loop().time() < deadline, answers
        await asyncio.sleep(1)


async def test_a_login_by_an_application_credential_ends_with_it(
    gateway: GatewayProcess, realm: Realm
) -> None:
    await realm.project("expiring")
    await realm.user("erika", expiring="member")
    owner = await realm.login("erika", "expiring")
    path = f"/users/{owner.user_id}/application_credentials"
    end = datetime.now(UTC) + timedelta(seconds=6)
    new = {
        "name": "short",
        "roles": [{"name": "reader"}],
        "expires_at": end.strftime("%Y-%m-%dT%H:%M:%S.%f"),
    }
    made = await owner.do("POST", "identity", path, {"application_credential": new})
    credential = made["application_credential"]
    kind = "application_credential"
    auth: dict[str, Any] = {
        "identity": {"methods": [kind], kind: {key: credential[key] for key in ("id", "secret")}}
    }
    login = await log_in(realm.admin.http, realm.identity, auth)
    assert (await login.ask("GET", "network", "/networks")).status == 200
    # Its token ends with it: Keystone gives none that lives longer.
    await asyncio.sleep(max(0.0, (end - datetime.now(UTC)).total_seconds()) + 1)
    await soon_all_401(gateway, login)
    url = f"{realm.identity}/v3/auth/tokens"
    async with realm.admin.http.post(url, json={"auth": auth}) as response:
        assert response.status == 401
    assert (await owner.ask("GET", "network", "/networks")).status == 200


async def test_a_project_that_is_removed_while_its_users_log_in(
    gateway: GatewayProcess, realm: Realm
) -> None:
    project = await realm.project("removed")
    users = [f"member{number}" for number in range(4)]
    for user in users:
        await realm.user(user, removed="member")
    logins = [await realm.login(user, "removed") for user in users]
    asking = [
        asyncio.create_task(login.ask("GET", "network", "/networks"))
        for login in logins
        for _ in range(3)
    ]
    await asyncio.sleep(0.2)
    await realm.admin.do("DELETE", "identity", f"/projects/{project}")
    for answer in await asyncio.gather(*asking):
        # In time, or not; but no error of ours and nothing half made.
        assert answer.status in (200, 401, 403), answer
    for login in logins:
        await soon_all_401(gateway, login)
