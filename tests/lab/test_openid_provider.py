"""What deploy/oidc promises, at every Keystone of the lab, without the gateway: exact rights for every login.

The provider gets a user of our own, and every site the domain, projects and groups he is let into.
"""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
import yaml
from openstack.config import OpenStackConfig
from openstack.connection import Connection

pytestmark = pytest.mark.filterwarnings("ignore::Warning:openstack")

USER, DOMAIN = "grace", "openid-tests"
RIGHTS = {"one": ["member"], "two": ["reader"]}
LOGIN = "/OS-FEDERATION/identity_providers/corp/protocols/openid/auth"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


@dataclass(frozen=True)
class Provider:
    """The OpenID provider, as a user and as the gateway see it."""

    url: str

    def token(self) -> str:
        form = {"grant_type": "password", "username": USER, "password": "secret"}
        return str(self._ask(form, "openstack").json()["access_token"])

    def exchange(self, token: str, site: str, project: str, roles: str) -> requests.Response:
        form = {
            "grant_type": EXCHANGE,
            "subject_token": token,
            "subject_token_type": ACCESS_TOKEN,
            "audience": f"urn:site:{site}",
            "openstack_project": project,
            "openstack_project_domain": DOMAIN,
            "openstack_roles": roles,
        }
        return self._ask(form, "federator")

    def exchanged(self, site: str, project: str, roles: str) -> str:
        return str(self.exchange(self.token(), site, project, roles).json()["access_token"])

    def _ask(self, form: dict[str, str], client: str) -> requests.Response:
        auth = (client, f"{client}-secret")
        return requests.post(f"{self.url}/token", form, auth=auth, timeout=30)


@dataclass(frozen=True)
class Keystone:
    site: str
    url: str

    def login(self, token: str, headers: dict[str, str] | None = None) -> requests.Response:
        bearer = {"Authorization": f"Bearer {token}", **(headers or {})}
        return requests.post(self.url + LOGIN, headers=bearer, timeout=60)

    def scoped(self, token: str, project: str) -> tuple[str, set[str]] | int:
        """A token for the project and the roles in it, or the status of the refusal."""
        unscoped = self.login(token).headers["X-Subject-Token"]
        identity = {"methods": ["token"], "token": {"id": unscoped}}
        scope = {"project": {"name": project, "domain": {"name": DOMAIN}}}
        body = {"auth": {"identity": identity, "scope": scope}}
        answer = requests.post(f"{self.url}/auth/tokens", json=body, timeout=60)
        if answer.status_code != 201:
            return answer.status_code
        return answer.headers["X-Subject-Token"], roles_in(answer)

    def roles(self, token: str) -> set[str]:
        headers = {"X-Auth-Token": token, "X-Subject-Token": token}
        answer = requests.get(f"{self.url}/auth/tokens", headers=headers, timeout=60)
        return roles_in(answer) if answer.status_code == 200 else set()


def roles_in(answer: requests.Response) -> set[str]:
    return {role["name"] for role in answer.json()["token"]["roles"]}


@pytest.fixture(scope="module")
def provider(lab: Path) -> Iterator[Provider]:
    home = urlsplit(yaml.safe_load(lab.read_text())["clouds"]["home"]["auth"]["auth_url"])
    realm = lab.parent / "data" / "shared" / "openid" / "realm.json"
    before = realm.read_text()
    content = json.loads(before)
    content["users"][USER] = {"password": "secret", "projects": {DOMAIN: RIGHTS}}
    realm.write_text(json.dumps(content))
    yield Provider(f"http://{home.hostname}:{(home.port or 0) + 16}")
    realm.write_text(before)


@pytest.fixture(scope="module")
def keystones(lab: Path) -> Iterator[list[Keystone]]:
    """Those of the sites that are up, ready to let our user in; afterwards nothing is left of it."""
    clouds = yaml.safe_load(lab.read_text())["clouds"]
    home = clouds["home"]["auth"]["auth_url"]
    admins = {name: c for name, c in clouds.items() if name.endswith("-admin")}
    urls = {name: c["auth"]["auth_url"] for name, c in admins.items()}
    known = OpenStackConfig(config_files=[str(lab)], load_envvars=False)
    found: dict[str, Connection] = {}
    for name, url in urls.items():
        if url == home:
            continue
        with suppress(requests.ConnectionError):
            requests.get(url, timeout=10)
            found[name] = Connection(config=known.get_one(cloud=name))
    for connection in found.values():
        let_in(connection)
    yield [Keystone(name.removesuffix("-admin"), urls[name]) for name in found]
    for connection in found.values():
        forget(connection)


def let_in(at: Connection) -> None:
    forget(at)
    federation = at.identity.find_domain("federation", ignore_missing=False)
    domain = at.identity.create_domain(name=DOMAIN)
    for name in RIGHTS:
        project = at.identity.create_project(name=name, domain_id=domain.id)
        for role_name in ("member", "reader"):
            role = at.identity.find_role(role_name, ignore_missing=False)
            group = f"fed:{DOMAIN}:{name}:{role_name}"
            made = at.identity.create_group(name=group, domain_id=federation.id)
            at.identity.assign_project_role_to_group(project, made, role)


def forget(at: Connection) -> None:
    for group in at.identity.groups():
        if group.name.startswith(f"fed:{DOMAIN}:"):
            at.identity.delete_group(group)
    if domain := at.identity.find_domain(DOMAIN):
        at.identity.update_domain(domain, is_enabled=False)
        at.identity.delete_domain(domain)


def test_an_exchanged_login_has_what_was_asked_for_and_ends_no_other(
    provider: Provider, keystones: list[Keystone]
) -> None:
    for at in keystones:
        logins = {
            ("one", "member reader"): {"member", "reader"},
            ("one", "reader"): {"reader"},
            ("two", "admin member reader"): {"reader"},
        }
        given = {
            (project, roles): at.scoped(provider.exchanged(at.site, project, roles), project)
            for project, roles in logins
        }
        time.sleep(2)  # newer Keystones spare what is younger than a second when they revoke
        at.scoped(provider.exchanged(at.site, "one", "reader"), "one")
        for login, expected in logins.items():
            token, roles = given[login]
            assert roles == at.roles(token) == expected, at.site


def test_an_exchanged_login_gets_into_no_other_project(
    provider: Provider, keystones: list[Keystone]
) -> None:
    for at in keystones:
        assert at.scoped(provider.exchanged(at.site, "two", "reader"), "one") == 401, at.site


def test_a_users_own_token_opens_all_the_user_has(
    provider: Provider, keystones: list[Keystone]
) -> None:
    for at in keystones:
        token = provider.token()
        for project, expected in (("one", {"member", "reader"}), ("two", {"reader"})):
            _, roles = at.scoped(token, project)
            assert roles == expected, at.site


def test_a_token_for_another_site_is_refused(provider: Provider, keystones: list[Keystone]) -> None:
    for at in keystones:
        token = provider.exchanged(f"not-{at.site}", "one", "member")
        assert at.login(token).status_code == 401, at.site


def test_nothing_is_believed_that_a_client_says_of_himself(
    provider: Provider, keystones: list[Keystone]
) -> None:
    smuggled = {
        "XFedUser": USER,
        "XFedSub": USER,
        "XFedGroups": f"fed:{DOMAIN}:one:member",
        "XFedIdp": provider.url,
        "OIDC_CLAIM_sub": USER,
    }
    for at in keystones:
        assert at.login("not-a-token", smuggled).status_code == 401, at.site
        reader = provider.exchanged(at.site, "one", "reader")
        unscoped = at.login(reader, {"XFedRoles": "member", **smuggled}).json()["token"]
        groups = unscoped["user"]["OS-FEDERATION"]["groups"]
        assert len(groups) == 1, at.site


def test_the_provider_gives_no_role_that_the_user_has_not(provider: Provider) -> None:
    refused = provider.exchange(provider.token(), "paris", "two", "member admin")

    assert refused.status_code == 400
    assert refused.json()["error"] == "invalid_scope"


def test_what_was_exchanged_is_not_exchanged_again(provider: Provider) -> None:
    exchanged = provider.exchanged("paris", "one", "member")

    assert provider.exchange(exchanged, "tokyo", "one", "member").status_code == 400
