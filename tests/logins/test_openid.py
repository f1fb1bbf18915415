"""Logins by OpenID Connect through the gateway, with unmodified clients and a real provider."""

import re
import time

import pytest
import requests
from keystoneauth1 import session
from keystoneauth1.identity import v3

from tests.logins.estate import Estate, Home


def token_of(plugin: v3.OidcPassword) -> str:
    token = plugin.get_token(session.Session())
    assert token
    return token


def test_v3oidcpassword_reaches_every_site(estate: Estate) -> None:
    plugin = estate.openid()
    access = plugin.get_access(session.Session())
    assert set(access.role_names) == {"member", "reader"}
    assert estate.missing(access.auth_token) == ""


def test_v3oidcaccesstoken_reaches_every_site(estate: Estate) -> None:
    plugin = v3.OidcAccessToken(
        estate.auth_url,
        identity_provider="corp",
        protocol="openid",
        access_token=estate.access_token("frank"),
        project_name="alpha",
        project_domain_name="acme",
    )
    assert set(plugin.get_access(session.Session()).role_names) == {"reader"}
    assert estate.missing(token_of(plugin)) == ""


def test_v3oidcclientcredentials_reaches_what_needs_no_exchange(estate: Estate) -> None:
    """Whether a machine's token can be exchanged is for the provider to say; this one says no."""
    plugin = estate.openid(
        v3.OidcClientCredentials, client_id="robot", client_secret="robot-secret", scope="openid"
    )
    assert set(plugin.get_access(session.Session()).role_names) == {"reader"}
    assert estate.missing(token_of(plugin)) == "paris"


def test_the_openstack_command_with_v3oidcpassword(estate: Estate) -> None:
    options = {
        "OS_AUTH_TYPE": "v3oidcpassword",
        "OS_IDENTITY_PROVIDER": "corp",
        "OS_PROTOCOL": "openid",
        "OS_CLIENT_ID": "openstack",
        "OS_CLIENT_SECRET": "openstack-secret",
        "OS_ACCESS_TOKEN_ENDPOINT": f"{estate.issuer}/token",
        "OS_OPENID_SCOPE": "openid profile",
        "OS_USERNAME": "erin",
        "OS_PASSWORD": "erin-secret",
        "OS_PROJECT_NAME": "alpha",
        "OS_PROJECT_DOMAIN_NAME": "acme",
    }
    assert isinstance(estate.cli("server", "list", **options), list)
    zones = {each["Zone Name"] for each in estate.cli("availability", "zone", "list", **options)}
    assert {"paris", "tokyo"} <= zones


def test_rescoping_keeps_the_login_and_has_the_roles_of_the_other_project(estate: Estate) -> None:
    unscoped = estate.openid(project_name=None, project_domain_name=None)
    first = token_of(unscoped)
    projects = requests.get(
        f"{estate.auth_url}/v3/auth/projects", headers={"X-Auth-Token": first}, timeout=60
    ).json()["projects"]
    assert {"alpha", "beta"} <= {each["name"] for each in projects}
    beta = v3.Token(estate.auth_url, token=first, project_name="beta", project_domain_name="acme")
    access = beta.get_access(session.Session())
    assert set(access.role_names) == {"reader"}
    assert estate.missing(access.auth_token) == ""


def test_the_other_gateway_process_knows_the_login_too(estate: Estate) -> None:
    assert estate.missing(token_of(estate.openid()), estate.other_url) == ""


def test_a_login_of_another_kind_misses_that_site_alone(estate: Estate, home: Home) -> None:
    alice = v3.Password(estate.auth_url, **home.alice, **home.alpha)
    token = alice.get_token(session.Session())
    assert token
    assert estate.missing(token) == "paris"


def test_an_access_token_is_not_used_after_its_token_of_home_was_revoked(estate: Estate) -> None:
    token = token_of(estate.openid())
    assert estate.missing(token) == ""
    headers = {"X-Auth-Token": token, "X-Subject-Token": token}
    gone = requests.delete(f"{estate.auth_url}/v3/auth/tokens", headers=headers, timeout=60)
    assert gone.status_code == 204
    assert estate.servers(token).status_code == 401
    deadline = time.monotonic() + 30
    while estate.servers(token, estate.other_url).status_code != 401:
        assert time.monotonic() < deadline


def test_a_wrong_password_at_the_provider_and_a_forged_token_are_no_login(estate: Estate) -> None:
    url = f"{estate.auth_url}/v3/OS-FEDERATION/identity_providers/corp/protocols/openid/auth"
    header, claims, signature = estate.access_token("erin").split(".")
    for token in ("x", f"{header}.{claims}.{signature[::-1]}"):
        headers = {"Authorization": f"Bearer {token}"}
        response = requests.post(url, headers=headers, timeout=60)
        assert response.status_code == 401
        assert "X-Subject-Token" not in response.headers


@pytest.mark.parametrize(
    "name",
    [
        "X-Fed-User", "XFedUser", "XFedSub", "XFedGroups", "XFedIdp", "OIDC_CLAIM_sub",
        "OIDC-CLAIM-preferred_username", "OIDC-CLAIM-sub", "REMOTE_USER", "Remote-User",
        "X-Remote-User", "Mellon-openstack-user", "MELLON_openstack_user", "Shib-Session-ID",
        "X-User-Id", "X-Roles", "X-Is-Admin-Project", "X-Anything-Else",
    ],
)  # fmt: skip
def test_a_client_that_says_who_it_is_is_nobody(estate: Estate, name: str) -> None:
    for path in (
        "/v3/OS-FEDERATION/identity_providers/corp/protocols/openid/auth",
        "/v3/OS-FEDERATION/identity_providers/home/protocols/saml2/auth",
        "/v3/auth/OS-FEDERATION/websso/openid?origin=http://127.0.0.1/",
        "/v3/auth/tokens",
    ):
        response = requests.get(
            estate.auth_url + path, headers={name: "erin"}, timeout=60, allow_redirects=False
        )
        assert response.status_code in (302, 401, 404), path
        assert "X-Subject-Token" not in response.headers


def test_a_valid_login_is_who_the_provider_says_whatever_the_headers_say(estate: Estate) -> None:
    headers = dict.fromkeys(
        ("XFedUser", "XFedSub", "X-Fed-User", "OIDC-CLAIM-sub", "Remote-User", "X-Roles"), "frank"
    )
    url = f"{estate.auth_url}/v3/OS-FEDERATION/identity_providers/corp/protocols/openid/auth"
    headers["Authorization"] = f"Bearer {estate.access_token('erin')}"
    said = requests.post(url, headers=headers, timeout=60).json()["token"]
    assert said["user"]["name"] == "erin"


def test_no_access_token_and_no_secret_is_in_any_log(estate: Estate) -> None:
    token = estate.access_token("erin")
    plugin = v3.OidcAccessToken(
        estate.auth_url,
        identity_provider="corp",
        protocol="openid",
        access_token=token,
        project_name="alpha",
        project_domain_name="acme",
    )
    assert estate.missing(token_of(plugin)) == ""
    logged = "".join(log.read_text() for log in estate.logs)
    assert token not in logged
    assert "federator-secret" not in logged
    assert not re.search(r"eyJ[A-Za-z0-9_-]{20,}", logged)
