"""Home's real Keystone through the front rooms, with unmodified keystoneauth1 and raw requests."""

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import requests
from keystoneauth1 import session
from keystoneauth1.exceptions import http as errors
from keystoneauth1.identity import v3

from adapters.sites import Site, load_home
from tests.front.conftest import REGION, Front, served

ALICE = {"username": "alice", "password": "alice-secret", "user_domain_name": "acme"}
ALPHA = {"project_name": "alpha", "project_domain_name": "acme"}
BODY = {
    "auth": {
        "identity": {
            "methods": ["password"],
            "password": {
                "user": {"name": "alice", "domain": {"name": "acme"}, "password": "alice-secret"}
            },
        },
        "scope": {"project": {"name": "alpha", "domain": {"name": "acme"}}},
    }
}


@pytest.fixture(autouse=True)
def nobody_elses_url(request: pytest.FixtureRequest) -> Iterator[None]:
    """No answer of any test has shown a URL of home or of a site."""
    yield
    if "front" not in request.fixturenames:
        return
    front: Front = request.getfixturevalue("front")
    urls = [front.home, *(url for site in front.sites.values() for url in site.values())]
    hosts = {urlsplit(url).netloc.encode() for url in urls}
    for asked, answered in front.said:
        assert not any(host in answered for host in hosts), asked


def login(front: Front, **options: Any) -> session.Session:
    return session.Session(v3.Password(f"{front.url}/identity", **(ALICE | options)))


def raw(
    front: Front, method: str, target: str, headers: dict[str, str] | None = None, body: str = ""
) -> tuple[int, http.client.HTTPResponse, bytes]:
    """One request with the path exactly as it stands here."""
    address = urlsplit(front.url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)
    connection.request(method, target, body or None, headers or {})
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, response, content


def token_of(front: Front) -> str:
    response = requests.post(f"{front.url}/identity/v3/auth/tokens", json=BODY, timeout=60)
    assert response.status_code == 201
    return response.headers["X-Subject-Token"]


def test_a_token_carries_our_catalogue(front: Front) -> None:
    access = login(front, **ALPHA).auth.get_access(session.Session())  # type: ignore[union-attr]
    urls = access.service_catalog.get_endpoints_data(interface="public")
    assert urls["compute"][0].url == f"{front.url}/compute/v2.1"
    assert urls["volumev3"][0].url == f"{front.url}/volume/v3/{access.project_id}"
    regions = {one.region_name for found in urls.values() for one in found}
    assert regions == {REGION}
    assert "service_providers" not in access._data["token"]


def test_unscoped_then_rescoped_then_by_application_credential(front: Front) -> None:
    unscoped = login(front, unscoped=True)
    access = unscoped.auth.get_access(unscoped)  # type: ignore[union-attr]
    assert not access.scoped
    assert not access.has_service_catalog()

    rescoped = session.Session(v3.Token(f"{front.url}/identity", token=access.auth_token, **ALPHA))
    assert rescoped.get_project_id()
    path = f"/v3/users/{access.user_id}/application_credentials"
    made = login(front, **ALPHA).post(
        f"{front.url}/identity{path}",
        json={"application_credential": {"name": f"front-{uuid4().hex}"}},
    )
    credential = made.json()["application_credential"]
    by_credential = session.Session(
        v3.ApplicationCredential(
            f"{front.url}/identity",
            application_credential_id=credential["id"],
            application_credential_secret=credential["secret"],
        )
    )
    try:
        assert credential["links"]["self"].startswith(f"{front.url}/identity/v3/")
        assert by_credential.get_project_id() == rescoped.get_project_id()
    finally:
        login(front, **ALPHA).delete(f"{front.url}/identity{path}/{credential['id']}")


def test_tokens_are_shown_asked_for_and_revoked(front: Front) -> None:
    token, other = token_of(front), token_of(front)
    url = f"{front.url}/identity/v3/auth/tokens"
    headers = {"X-Auth-Token": token, "X-Subject-Token": other}
    shown = requests.get(url, headers=headers, timeout=60)
    assert shown.headers["X-Subject-Token"] == other
    assert "X-Auth-Token" in shown.headers["Vary"]
    body = shown.json()["token"]
    assert {entry["type"] for entry in body["catalog"]} >= {"identity", "compute", "volumev3"}
    bare = requests.get(url, params="nocatalog", headers=headers, timeout=60).json()["token"]
    assert "catalog" not in bare
    assert "service_providers" not in body | bare
    head = requests.head(url, headers=headers, timeout=60)
    assert (head.status_code, head.content) == (200, b"")
    gone = requests.delete(url, headers=headers, timeout=60)
    assert (gone.status_code, gone.content) == (204, b"")
    assert front.revoked[-1] == other
    assert requests.head(url, headers=headers, timeout=60).status_code == 404


def test_the_catalogue_alone_knows_the_project(front: Front) -> None:
    alice = login(front, **ALPHA)
    body = alice.get(f"{front.url}/identity/v3/auth/catalog").json()
    (volume,) = [entry for entry in body["catalog"] if entry["type"] == "volumev3"]
    assert {each["url"] for each in volume["endpoints"]} == {
        f"{front.url}/volume/v3/{alice.get_project_id()}"
    }
    assert body["links"]["self"] == f"{front.url}/identity/v3/auth/catalog"


def test_lists_of_the_catalogue_are_for_whom_home_lets(front: Front, clouds: Path) -> None:
    with pytest.raises(errors.Forbidden):
        login(front, **ALPHA).get(f"{front.url}/identity/v3/endpoints")
    admin = admin_of(front, clouds)
    base = f"{front.url}/identity/v3"
    services = admin.get(f"{base}/services?type=compute").json()["services"]
    (service,) = services
    found = admin.get(f"{base}/endpoints?service_id={service['id']}").json()["endpoints"]
    assert {each["url"] for each in found} == {f"{front.url}/compute/v2.1"}
    assert admin.get(f"{base}/services/{service['id']}").json() == {"service": service}
    (region,) = admin.get(f"{base}/regions").json()["regions"]
    assert region["id"] == REGION
    with pytest.raises(errors.NotFound, match="Could not find endpoint: x"):
        admin.get(f"{base}/endpoints/x")
    with pytest.raises(errors.Forbidden):
        admin.post(f"{base}/services", json={"service": {"type": "x"}})


def admin_of(front: Front, clouds: Path) -> session.Session:
    options = dict(load_home(clouds, "home").auth) | {"auth_url": f"{front.url}/identity/v3"}
    return session.Session(v3.Password(**options))


def test_links_of_users_projects_and_roles_are_ours(front: Front, clouds: Path) -> None:
    admin = admin_of(front, clouds)
    for path in ("users", "projects?limit=1", "role_assignments", "domains", "roles", "groups"):
        body = admin.get(f"{front.url}/identity/v3/{path}").json()
        assert body["links"]["self"].startswith(f"{front.url}/identity/v3/"), path


@pytest.mark.parametrize("path", ["", "/", "/v3", "/v3/"])
def test_version_documents_are_homes_own(front: Front, path: str) -> None:
    ours = requests.get(f"{front.url}/identity{path}", allow_redirects=False, timeout=60)
    theirs = requests.get(f"{front.home}{path}", allow_redirects=False, timeout=60)
    assert ours.status_code == theirs.status_code
    assert ours.text.replace(f"{front.url}/identity", front.home) == json.dumps(
        theirs.json(), separators=(",", ":")
    )
    location = theirs.headers.get("Location", "").replace(front.home, f"{front.url}/identity")
    assert ours.headers.get("Location", "") == location
    assert ours.headers["Vary"] == theirs.headers["Vary"]
    head = requests.head(f"{front.url}/identity{path}", allow_redirects=False, timeout=60)
    assert (head.status_code, head.content) == (ours.status_code, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/v3/auth/OS-FEDERATION/saml2",
        "/v3/auth/OS-FEDERATION/saml2/ecp",
        "/v3/auth/OS-FEDERATION/saml2/ecp?x=1",
        "//v3//auth//OS-FEDERATION//saml2",
        "/v3/auth/%4fS-FEDERATION/saml2",
        "/v3/auth/%254fS-FEDERATION%2Fsaml2/ecp",
        "/v3/./auth/OS-FEDERATION/./saml2",
        "/v3/OS-FEDERATION/saml2/metadata",
    ],
)
def test_nobody_gets_an_assertion_for_a_site(front: Front, path: str) -> None:
    body = {
        "auth": {
            "identity": {"methods": ["token"], "token": {"id": token_of(front)}},
            "scope": {"service_provider": {"id": "paris"}},
        }
    }
    headers = {"Content-Type": "application/json"}
    status, _, content = raw(front, "POST", f"/identity{path}", headers, json.dumps(body))
    assert status == 403
    assert json.loads(content)["error"]["code"] == 403


@pytest.mark.parametrize(
    ("method", "path", "headers", "body"),
    [
        ("POST", "/v3/auth/tokens", {"Content-Type": "application/json"}, "{bad"),
        ("POST", "/v3/auth/tokens", {"Content-Type": "text/plain"}, "x"),
        ("PUT", "/v3/auth/tokens", {}, ""),
        ("POST", "/v3", {}, ""),
        ("OPTIONS", "/v3/auth/tokens", {}, ""),
        ("GET", "/v3/projects", {}, ""),
        ("GET", "/v3/projects", {"X-Auth-Token": "gAAAAA-not-one"}, ""),
        ("GET", "/v3/users/a%2Fb", {}, ""),
        ("GET", "/v3/users/a%252Fb?name=%2F%20x%3Ay&name=2", {}, ""),
        ("GET", "/v3/users/%E6%97%A5%E6%9C%AC", {}, ""),
        ("GET", "/v3/nonesuch", {}, ""),
        ("GET", "/v2.0", {}, ""),
        ("GET", "/v3//auth/tokens", {}, ""),
        ("GET", "/v3", {"Accept": "application/json-home"}, ""),
        ("POST", "/v3/auth/tokens", {"Content-Type": "application/json"}, " " * 200_000),
    ],
)
def test_home_answers_bad_requests_itself(
    front: Front, method: str, path: str, headers: dict[str, str], body: str
) -> None:
    status, ours, content = raw(front, method, f"/identity{path}", headers, body)
    home = Front(url=front.home)
    expected, theirs, their_content = raw(home, method, path, headers, body)
    assert status == expected
    translated = content.decode().replace(f"{front.url}/identity", front.home)
    assert translated == their_content.decode()
    assert ours.headers.get("Allow") == theirs.headers.get("Allow")
    if status == 401:
        assert ours.headers["WWW-Authenticate"] == f'Keystone uri="{front.url}/identity"'


def test_too_much_is_413(front: Front) -> None:
    headers = {"Content-Type": "application/json"}
    status, _, content = raw(front, "POST", "/identity/v3/auth/tokens", headers, " " * 10_000_000)
    assert status == 413
    assert json.loads(content)["error"]["title"] == "Request Entity Too Large"


def test_a_path_that_climbs_is_404(front: Front) -> None:
    for path in ("/identity/../v3", "/identity/v3/%2e%2e/%2e%2e/x", "/identity/%25252525252e"):
        status, _, content = raw(front, "GET", path)
        assert (status, json.loads(content)["error"]["code"]) == (404, 404)


@pytest.mark.parametrize("size", [30_000, 60_000, 100_000])
def test_a_long_header_never_breaks_anything(front: Front, size: int) -> None:
    headers = {"X-Auth-Token": token_of(front), "X-Long": "x" * size}
    status, _, _ = raw(front, "GET", "/identity/v3/auth/projects", headers)
    assert status in ({200} if size == 30_000 else {200, 400})


def test_who_says_to_be_somebody_else_is_not(front: Front) -> None:
    names = ("X-User-Id", "X-Roles", "X-Project-Id", "X-Is-Admin-Project", "XFedUser")
    headers = dict.fromkeys(names, "admin") | {"X-Forwarded-Host": "evil.example"}
    status, _, content = raw(front, "GET", "/identity/v3/projects", headers)
    assert status == 401
    assert b"evil" not in content


def cli(front: Front, *words: str, **env: str) -> Any:
    options = {
        "OS_AUTH_URL": f"{front.url}/identity",
        "OS_USERNAME": "alice",
        "OS_PASSWORD": "alice-secret",
        "OS_USER_DOMAIN_NAME": "acme",
        "OS_PROJECT_NAME": "alpha",
        "OS_PROJECT_DOMAIN_NAME": "acme",
        "OS_IDENTITY_API_VERSION": "3",
    }
    command = [str(Path(sys.executable).with_name("openstack")), *words, "-f", "json"]
    rest = {key: value for key, value in os.environ.items() if not key.startswith("OS_")}
    done = subprocess.run(command, env=rest | options | env, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def test_the_openstack_command(front: Front) -> None:
    token = cli(front, "token", "issue")
    assert token["project_id"]
    unscoped = cli(front, "token", "issue", OS_PROJECT_NAME="", OS_PROJECT_DOMAIN_NAME="")
    assert "project_id" not in unscoped
    catalog = cli(front, "catalog", "list")
    assert {
        "identity",
        "compute",
        "network",
        "image",
        "block-storage",
        "volumev3",
        "placement",
    } == {entry["Type"] for entry in catalog}
    projects = cli(front, "project", "list", "--my-projects")
    assert {"alpha", "beta"} <= {each["Name"] for each in projects}
    assert cli(front, "user", "show", token["user_id"])["name"] == "alice"
    versions = {
        (each["Service Type"], each["Version"]): each for each in cli(front, "versions", "show")
    }
    assert versions["compute", "2.1"]["Max Microversion"] == "2.95"
    assert versions["compute", "2.1"]["Endpoint"] == f"{front.url}/compute/v2.1/"
    assert versions["block-storage", "3.0"]["Max Microversion"] == "3.70"
    assert ("placement", "1.0") in versions
    assert ("image", "2.15") in versions
    assert ("network", "2.0") in versions


def test_home_that_is_not_there_is_503_and_says_when_to_try_again() -> None:
    nowhere = Site("home", "http://127.0.0.1:9/v3", "password", {})
    with served(nowhere, {}) as front:
        for path in ("/identity", "/identity/v3", "/identity/v3/auth/tokens"):
            response = requests.get(front.url + path, timeout=60)
            assert response.status_code == 503
            assert response.headers["Retry-After"] == "5"
            assert response.json()["error"]["code"] == 503
        response = requests.get(f"{front.url}/compute", timeout=60)
        assert response.status_code == 503
        assert "serviceUnavailable" in response.json()
