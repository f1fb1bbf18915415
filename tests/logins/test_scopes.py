"""Logins that are not for a project: what they are good for, and what every service says to them."""

import json
from collections.abc import Callable

import pytest
import requests
from keystoneauth1 import exceptions, session
from keystoneauth1.identity import v3

from tests.logins.estate import PASSWORD, Estate, Home

NOT_SCOPED = "The token is not scoped to a project"
BODIES: dict[str, Callable[[dict[str, dict[str, str]]], str]] = {
    "compute/v2.1/servers": lambda body: body["forbidden"]["message"],
    "network/v2.0/networks": lambda body: body["NeutronError"]["message"],
    "volume/v3/0123456789abcdef0123456789abcdef/volumes": lambda body: body["forbidden"]["message"],
    "placement/resource_providers": lambda body: body["errors"][0]["detail"],  # type: ignore[index]
}


@pytest.fixture(scope="module")
def boss(home: Home) -> str:
    """A user with a role on our domain and on the system."""
    user = home.user("boss")
    home.give(user, "reader", f"/domains/{home.domain_id}")
    home.give(user, "reader", "/system")
    return user


@pytest.fixture(
    params=["unscoped", "domain", "system"],
)
def token(request: pytest.FixtureRequest, estate: Estate, home: Home, boss: str) -> str:
    scopes = {
        "unscoped": {"unscoped": True},
        "domain": {"domain_id": home.domain_id},
        "system": {"system_scope": "all"},
    }
    plugin = v3.Password(estate.auth_url, user_id=boss, password=PASSWORD, **scopes[request.param])
    found = plugin.get_token(session.Session())
    assert found
    return str(found)


def test_every_service_says_that_a_project_is_needed(estate: Estate, token: str) -> None:
    for path, message in BODIES.items():
        response = requests.get(f"{estate.url}/{path}", headers={"X-Auth-Token": token}, timeout=60)
        assert response.status_code == 403
        assert NOT_SCOPED in message(json.loads(response.content))
    image = requests.get(
        f"{estate.url}/image/v2/images", headers={"X-Auth-Token": token}, timeout=60
    )
    assert (image.status_code, NOT_SCOPED in image.text) == (403, True)


def test_home_serves_all_of_them(estate: Estate, home: Home, token: str) -> None:
    url = f"{estate.auth_url}/v3/auth/projects"
    projects = requests.get(url, headers={"X-Auth-Token": token}, timeout=60).json()["projects"]
    assert [each["name"] for each in projects] == ["alpha"]


@pytest.mark.parametrize("token", ["unscoped", "domain"], indirect=True)
def test_one_without_a_project_is_rescoped_to_one(estate: Estate, home: Home, token: str) -> None:
    plugin = v3.Token(estate.auth_url, token=token, **home.alpha)
    access = plugin.get_access(session.Session())
    assert set(access.role_names) == {"member", "reader"}
    assert estate.missing(access.auth_token) == "paris"


@pytest.mark.parametrize("token", ["system"], indirect=True)
def test_one_of_the_system_is_not(estate: Estate, home: Home, token: str) -> None:
    """Keystone 30 says so; the gateway has no say in it."""
    with pytest.raises(exceptions.Forbidden, match="Using a system-scoped token"):
        v3.Token(estate.auth_url, token=token, **home.alpha).get_token(session.Session())


def test_a_scope_without_a_project_has_a_catalogue_without_projects(
    estate: Estate, home: Home, boss: str
) -> None:
    plugin = v3.Password(estate.auth_url, user_id=boss, password=PASSWORD, domain_id=home.domain_id)
    catalog = plugin.get_access(session.Session()).service_catalog
    assert catalog.url_for(service_type="compute") == f"{estate.url}/compute/v2.1"
    (volume,) = [each for each in catalog.catalog if each["type"] == "volumev3"]
    assert volume["endpoints"] == []


def test_a_project_of_another_is_refused_by_home(estate: Estate, home: Home, boss: str) -> None:
    body = {
        "auth": {
            "identity": {
                "methods": ["password"],
                "password": {"user": {"id": boss, "password": PASSWORD}},
            },
            "scope": {"project": {"name": "beta", "domain": {"id": home.domain_id}}},
        }
    }
    response = requests.post(f"{estate.auth_url}/v3/auth/tokens", json=body, timeout=60)
    assert response.status_code == 401
    assert response.json()["error"]["title"] == "Unauthorized"
