"""Tokens that are none any more, never were, or are somebody else's; and headers that claim to be one."""

import asyncio
import uuid

import pytest

from tests.adversarial.alike import Everybody
from tests.adversarial.client import Answer, Login, send
from tests.adversarial.gateways import GatewayProcess
from tests.adversarial.realm import Realm

PATHS = {
    "compute": "/servers",
    "network": "/networks",
    "image": "/images",
    "volume": "/volumes",
    "placement": "/usages",
    "identity": "/auth/projects",
}
GARBAGE = (
    "gAAAAABm" + "x" * 175,
    "gAAAAABm",
    "x",
    "0" * 32,
    str(uuid.uuid4()),
    "null",
    "Bearer abc",
    "' OR 1=1 --",
    "../../etc/passwd",
    "%00",
    "*",
)
CLAIMS = {
    "X-User-Id": "{user}",
    "X-User": "{user}",
    "X-User-Name": "admin",
    "X-User-Domain-Id": "default",
    "X-Project-Id": "{project}",
    "X-Project-Name": "admin",
    "X-Tenant-Id": "{project}",
    "X-Tenant": "{project}",
    "X-Domain-Id": "default",
    "X-Roles": "admin,member,reader,service",
    "X-Role": "admin",
    "X-Is-Admin-Project": "True",
    "X-Identity-Status": "Confirmed",
    "X-Service-Identity-Status": "Confirmed",
    "X-Service-Roles": "admin,service",
    "X-Service-Catalog": "[]",
    "OpenStack-System-Scope": "all",
    "X-Fed-User": "{user}",
    "X-Fed-Roles": "admin",
    "X-Fed-Project": "admin",
    "XFedUser": "{user}",
    "XFedRoles": "admin",
    "XFedProject": "admin",
    "XFedProjectDomain": "Default",
    "XFedUserDomain": "Default",
    "XFedIdp": "home",
    "X_Roles": "admin",
    "X_Project_Id": "{project}",
    "REMOTE_USER": "admin",
    "Remote-User": "admin",
    "MELLON_openstack_roles": "admin",
    "X-Forwarded-For": "127.0.0.1",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Prefix": "/evil",
    "Forwarded": "for=127.0.0.1;host=evil.example",
    "X-Original-URL": "/identity/v3/users",
    "X-Rewrite-URL": "/identity/v3/users",
    "X-HTTP-Method-Override": "DELETE",
    "X-Method-Override": "DELETE",
    "Authorization": "Basic YWRtaW46YWRtaW4=",
    "Host": "evil.example",
}
GROUPS = "/os-server-groups"
FORGED = {"server_group": {"name": "forged", "policies": ["affinity"]}}
"""Something that no reader may make, at no release."""


def is_401(answer: Answer, gateway: GatewayProcess) -> bool:
    """What every service says to who is nobody."""
    challenge = answer.headers.get("WWW-Authenticate", "")
    return answer.status == 401 and gateway.url in challenge and "23" + "100" not in challenge


@pytest.mark.parametrize("service", PATHS)
async def test_who_has_no_token_is_told_where_to_get_one(
    gateway: GatewayProcess, everybody: Everybody, service: str
) -> None:
    member = everybody.member
    url = member.bases[service] + PATHS[service]
    for method in ("GET",) if service == "identity" else ("GET", "POST", "DELETE"):
        for token in (None, "", *GARBAGE):
            headers = {} if token is None else {"X-Auth-Token": token}
            answer = await send(member.http, method, url, headers=headers)
            assert is_401(answer, gateway), answer


@pytest.mark.parametrize("service", PATHS)
async def test_a_token_of_another_keystone_is_none(
    gateway: GatewayProcess, everybody: Everybody, service: str
) -> None:
    for site in everybody.sites.values():
        answer = await everybody.member.ask(
            "GET", service, PATHS[service], headers={"X-Auth-Token": site.token}
        )
        assert is_401(answer, gateway), answer


async def _ask_everywhere(login: Login) -> list[Answer]:
    """The answers of all services; home speaks for itself."""
    services = [(service, path) for service, path in PATHS.items() if service != "identity"]
    return await asyncio.gather(*(login.ask("GET", *each) for each in services))


async def test_a_revoked_token_ends_at_once(gateway: GatewayProcess, realm: Realm) -> None:
    await realm.project("revoked")
    await realm.user("rita", revoked="member")
    login, other = [await realm.login("rita", "revoked") for _ in range(2)]
    assert (await login.ask("GET", "compute", "/servers")).status == 200
    revoked = {"X-Subject-Token": login.token}
    assert (await other.ask("DELETE", "identity", "/auth/tokens", headers=revoked)).status == 204
    for answer in await _ask_everywhere(login):
        assert is_401(answer, gateway), answer
    # The site token that both shared lives on for the other.
    assert (await other.ask("GET", "compute", "/servers")).status == 200
    assert (await other.ask("GET", "network", "/networks")).status == 200


@pytest.mark.parametrize(
    "ended", ["user deleted", "user disabled", "project deleted", "role taken"]
)
async def test_a_login_that_home_has_ended_ends_here_too(
    gateway: GatewayProcess, realm: Realm, ended: str
) -> None:
    name = ended.replace(" ", "-")
    await realm.project(name)
    await realm.user(f"u-{name}", **{name: "member"})
    login = await realm.login(f"u-{name}", name)
    admin, user, project = realm.admin, realm.users[f"u-{name}"], realm.projects[name]
    if ended == "user deleted":
        await admin.do("DELETE", "identity", f"/users/{user}")
    elif ended == "user disabled":
        await admin.do("PATCH", "identity", f"/users/{user}", {"user": {"enabled": False}})
    elif ended == "project deleted":
        await admin.do("DELETE", "identity", f"/projects/{project}")
    else:
        roles = await admin.get("identity", "/roles?name=member")
        grant = f"/projects/{project}/users/{user}/roles/{roles['roles'][0]['id']}"
        await admin.do("DELETE", "identity", grant)
    # Home's processes tell each other of a revocation through a cache, and that may take a moment.
    deadline = asyncio.get_running_loop().time() + 60
    while True:
        answers = await _ask_everywhere(login)
        if all(is_401(answer, gateway) for answer in answers):
            return
        assert asyncio.get_running_loop().time() < deadline, answers
        await asyncio.sleep(2)


async def test_a_token_without_a_project_has_no_services(realm: Realm) -> None:
    await realm.project("scoped")
    await realm.user("una", scoped="member")
    scoped = await realm.login("una", "scoped")
    unscoped = {
        "auth": {
            "identity": {"methods": ["token"], "token": {"id": scoped.token}},
            "scope": "unscoped",
        }
    }
    answer = await scoped.ask("POST", "identity", "/auth/tokens", unscoped)
    assert answer.status == 201, answer
    headers = {"X-Auth-Token": answer.headers["X-Subject-Token"]}
    for service, path in PATHS.items():
        answer = await scoped.ask("GET", service, path, headers=headers)
        assert answer.status == (200 if service == "identity" else 403), answer


async def test_claims_in_headers_have_no_effect(everybody: Everybody, realm: Realm) -> None:
    await realm.project("rich")
    await realm.project("poor")
    await realm.user("owner", rich="member")
    await realm.user("reader", poor="reader")
    owner, reader = await realm.login("owner", "rich"), await realm.login("reader", "poor")
    ids = {}
    for site in ("paris", "tokyo"):
        made = await owner.do(
            "POST", "network", "/networks", {"network": {"name": "treasure"}}, site=site
        )
        ids[site] = made["network"]["id"]
    whose = {"user": owner.user_id, "project": owner.project_id}
    sets = [{name: value.format(**whose)} for name, value in CLAIMS.items()]
    together = {
        name: value.format(**whose)
        for name, value in CLAIMS.items()
        if name not in ("Host", "X-HTTP-Method-Override", "X-Method-Override")
    }
    for claims in (*sets, together):
        for site, network in ids.items():
            stolen, made, listed, everywhere = await asyncio.gather(
                reader.ask("DELETE", "network", f"/networks/{network}", headers=claims),
                reader.ask("POST", "compute", GROUPS, FORGED, headers=claims, site=site),
                reader.ask("GET", "network", "/networks", headers=claims),
                reader.ask("GET", "compute", "/servers?all_tenants=1", headers=claims),
            )
            assert stolen.status in (403, 404), (claims, stolen)
            assert made.status == 403, (claims, made)
            assert listed.status == 200, (claims, listed)
            assert "treasure" not in [network["name"] for network in listed.json["networks"]]
            assert everywhere.status in (200, 403), (claims, everywhere)
            if everywhere.ok:
                assert everywhere.json["servers"] == []
            assert b"evil.example" not in listed.raw + everywhere.raw
    kept = await owner.get("network", "/networks?name=treasure")
    assert {network["id"] for network in kept["networks"]} == set(ids.values())


async def test_claims_in_headers_change_no_login(everybody: Everybody) -> None:
    member = everybody.member
    whose = {"user": everybody.realm.admin.user_id, "project": everybody.realm.admin.project_id}
    headers = {
        name: value.format(**whose) for name, value in CLAIMS.items() if "Override" not in name
    }
    subject = {"X-Subject-Token": member.token}
    plain = await member.ask("GET", "identity", "/auth/tokens", headers=subject)
    claimed = await member.ask("GET", "identity", "/auth/tokens", headers={**headers, **subject})
    assert claimed.status == plain.status == 200
    assert claimed.json["token"]["user"] == plain.json["token"]["user"]
    assert claimed.json["token"]["roles"] == plain.json["token"]["roles"]
    assert b"evil.example" not in claimed.raw
    users = await member.ask("GET", "identity", "/users", headers=headers)
    assert users.status == 403, users


async def test_methods_are_not_overridden(realm: Realm) -> None:
    await realm.project("kept")
    await realm.user("keeper", kept="member")
    keeper = await realm.login("keeper", "kept")
    new = {"network": {"name": "kept"}}
    made = (await keeper.do("POST", "network", "/networks", new))["network"]
    for name in ("X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"):
        answer = await keeper.ask(
            "GET", "network", f"/networks/{made['id']}", headers={name: "DELETE"}
        )
        assert answer.status == 200
    assert (await keeper.ask("GET", "network", f"/networks/{made['id']}")).status == 200


async def test_nobody_gets_an_assertion_for_a_site(everybody: Everybody) -> None:
    body = {
        "auth": {
            "identity": {"methods": ["token"], "token": {"id": everybody.member.token}},
            "scope": {"service_provider": {"id": "tokyo"}},
        }
    }
    for path in (
        "/auth/OS-FEDERATION/saml2/ecp",
        "/auth/OS-FEDERATION/saml2",
        "/auth/OS-FEDERATION/saml2/",
        "/auth//OS-FEDERATION/saml2/ecp",
        "/auth/os-federation/saml2/ecp",
        "/auth/OS-FEDERATION%2Fsaml2/ecp",
        "/auth/OS-FEDERATION/%73aml2/ecp",
        "/auth/x/../OS-FEDERATION/saml2/ecp",
    ):
        answer = await everybody.member.ask("POST", "identity", path, body)
        assert answer.status in (403, 404), answer
        assert b"Assertion" not in answer.raw.replace(b"Assertions for sites are made", b"")
