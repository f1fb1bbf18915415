"""Home's URLs become ours where Keystone writes them, and nowhere else; headers that lie are dropped."""

import pytest
from multidict import CIMultiDict

from federator.identity.headers import to_client, to_home
from federator.identity.links import Links, root_of

HOME = "http://home:5000"
US = "http://us:8780/identity"


@pytest.fixture
def links() -> Links:
    return Links([HOME, "https://keystone.example/identity/v3/"], US)


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("http://h:5000/v3", "http://h:5000"),
        ("http://h/identity/v3/", "http://h/identity"),
        ("http://h/identity", "http://h/identity"),
        ("http://h:5000/", "http://h:5000"),
    ],
)
def test_the_root_of_a_keystone(url: str, root: str) -> None:
    assert root_of(url) == root


@pytest.mark.parametrize(
    ("url", "ours"),
    [
        (f"{HOME}/v3/users/a%2Fb?x=1", f"{US}/v3/users/a%2Fb?x=1"),
        (HOME, US),
        ("https://keystone.example/identity/v3/", f"{US}/v3/"),
        ("http://home:50000/v3", "http://home:50000/v3"),
        ("http://elsewhere/v3", "http://elsewhere/v3"),
        ("/v3/auth/tokens", f"{US}/v3/auth/tokens"),
        ("/identity/v3/x", f"{US}/v3/x"),
        ("//elsewhere/v3", "//elsewhere/v3"),
    ],
)
def test_a_location(links: Links, url: str, ours: str) -> None:
    assert links.location(url) == ours


def test_only_links_are_rewritten(links: Links) -> None:
    body = {
        "projects": [
            {
                "description": f"see {HOME}/v3",
                "name": HOME,
                "links": {"self": f"{HOME}/v3/projects/1"},
            }
        ],
        "roles_links": {"next": None, "self": f"{HOME}/v3/x"},
        "links": {"next": f"{HOME}/v3/projects?marker=1", "previous": None},
        "version": {"links": [{"rel": "self", "href": f"{HOME}/v3/"}]},
    }
    assert links.body(body) == {
        "projects": [
            {
                "description": f"see {HOME}/v3",
                "name": HOME,
                "links": {"self": f"{US}/v3/projects/1"},
            }
        ],
        "roles_links": {"next": None, "self": f"{US}/v3/x"},
        "links": {"next": f"{US}/v3/projects?marker=1", "previous": None},
        "version": {"links": [{"rel": "self", "href": f"{US}/v3/"}]},
    }


def test_a_body_without_home_need_not_be_read(links: Links) -> None:
    assert links.occur_in(f'{{"self": "{HOME}/v3"}}'.encode())
    assert not links.occur_in(b'{"self": "http://elsewhere"}')


@pytest.mark.parametrize(
    "name",
    [
        "X-Fed-User", "X-Federation-Site", "X-User-Id", "X-Roles", "X-Role", "X-Project-Id",
        "X-Domain-Name", "X-Tenant-Id", "X-Identity-Status", "X-Service-Roles",
        "X-Is-Admin-Project", "OpenStack-System-Scope", "X-Forwarded-Host", "Forwarded",
        "X_Fed_User", "X_AUTH_TOKEN", "OIDC_CLAIM_sub", "OIDC-Claim-Sub", "Mellon-Idp",
        "X-Remote-User", "Host", "Cookie", "Transfer-Encoding", "X-Hop",
    ],
)  # fmt: skip
def test_home_does_not_hear(name: str) -> None:
    sent = to_home(CIMultiDict({name: "x", "Connection": "close, x-hop"}))
    assert not sent


@pytest.mark.parametrize(
    "name",
    [
        "X-Auth-Token", "X-Subject-Token", "X-Service-Token", "Content-Type", "Accept",
        "User-Agent", "Authorization", "Openstack-Auth-Receipt", "OpenStack-Identity-Access-Rules", "Origin",
    ],
)  # fmt: skip
def test_home_hears(name: str) -> None:
    assert to_home(CIMultiDict({name: "x"})) == {name: "x"}


def test_headers_of_an_answer(links: Links) -> None:
    answer = CIMultiDict(
        [
            ("Location", f"{HOME}/v3/"),
            ("WWW-Authenticate", f'Keystone uri="{HOME}/v3"'),
            ("X-Subject-Token", "t"),
            ("Vary", "X-Auth-Token"),
            ("Vary", "Origin"),
            ("Connection", "close, X-Hop"),
            ("X-Hop", "1"),
            ("Content-Length", "7"),
            ("Server", "Apache"),
            ("Set-Cookie", "a=b"),
        ]
    )
    assert list(to_client(answer, links).items()) == [
        ("Location", f"{US}/v3/"),
        ("WWW-Authenticate", f'Keystone uri="{US}"'),
        ("X-Subject-Token", "t"),
        ("Vary", "X-Auth-Token"),
        ("Vary", "Origin"),
    ]


def test_what_is_no_text_does_not_become_a_token_on_the_way_to_home() -> None:
    headers = CIMultiDict({"X-Auth-Token": "\udcfftoken", "X-Subject-Token": "token"})
    assert to_home(headers) == {"X-Subject-Token": "token"}
