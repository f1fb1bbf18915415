"""Home's real Keystone through the front rooms: what passes, what is refused, what is ours."""

import http.client
import json
from urllib.parse import urlsplit

import pytest
import requests

from adapters.sites import Site
from tests.front.conftest import Front, served
from tests.front.people import token_of


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


def test_what_apache_before_home_refuses_is_refused_in_json(front: Front) -> None:
    path = "/v3/users/a%2Fb"
    expected, _, page = raw(Front(url=front.home), "GET", path, {}, "")
    assert page.startswith(b"<!DOCTYPE")
    status, _, content = raw(front, "GET", f"/identity{path}", {}, "")
    assert status == json.loads(content)["error"]["code"] == expected == 404


def test_too_much_is_413(front: Front) -> None:
    headers = {"Content-Type": "application/json"}
    status, _, content = raw(front, "POST", "/identity/v3/auth/tokens", headers, " " * 10_000_000)
    assert status == 413
    assert json.loads(content)["error"]["title"] == "Request Entity Too Large"


def test_a_path_that_climbs_is_404(front: Front) -> None:
    for path in ("/identity/../v3", "/identity/v3/%2e%2e/%2e%2e/x", "/identity/%25252525252e"):
        status, _, content = raw(front, "GET", path)
        assert (status, json.loads(content)["error"]["code"]) == (404, 404)


@pytest.mark.parametrize(("size", "expected"), [(30_000, 200), (60_000, 200), (100_000, 400)])
def test_a_long_header_passes_or_is_400(front: Front, size: int, expected: int) -> None:
    headers = {"X-Auth-Token": token_of(front), "User-Agent": "x" * size}
    status, _, content = raw(front, "GET", "/identity/v3/auth/projects", headers)
    assert status == expected
    if status == 400:
        assert json.loads(content)["error"]["title"] == "Bad Request"


def test_who_says_to_be_somebody_else_is_not(front: Front) -> None:
    names = ("X-User-Id", "X-Roles", "X-Project-Id", "X-Is-Admin-Project", "XFedUser")
    headers = dict.fromkeys(names, "admin") | {"X-Forwarded-Host": "evil.example"}
    status, _, content = raw(front, "GET", "/identity/v3/projects", headers)
    assert status == 401
    assert b"evil" not in content


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
