"""Passwords, one-time passwords, tokens and application credentials, with unmodified clients."""

from typing import Any

import pytest
import requests
from keystoneauth1 import exceptions, session
from keystoneauth1.identity import v3

from tests.logins.estate import PASSWORD, Estate, Home
from tests.logins.ways import credential, passcode, with_one_time_password


@pytest.fixture(scope="module")
def dave(home: Home) -> str:
    """A user of home with a one-time password beside the usual one; any one of both is enough."""
    return with_one_time_password(home, "dave")


@pytest.fixture(scope="module")
def eve(home: Home) -> str:
    """A user of home who needs both."""
    both = {"multi_factor_auth_enabled": True, "multi_factor_auth_rules": [["password", "totp"]]}
    return with_one_time_password(home, "eve", options=both)


def reaches(estate: Estate, plugin: Any) -> set[str]:
    """The roles at home, once every site that trusts home has answered to this login."""
    access = plugin.get_access(session.Session())
    assert estate.missing(access.auth_token) == "paris"
    return set(access.role_names)


def test_v3password(estate: Estate, home: Home) -> None:
    plugin = v3.Password(estate.auth_url, **home.alice, **home.alpha)
    assert reaches(estate, plugin) == {"member", "reader"}


def test_v3token(estate: Estate, home: Home) -> None:
    unscoped = v3.Password(estate.auth_url, **home.alice).get_token(session.Session())
    beta = {**home.alpha, "project_name": "beta"}
    for scope, roles in ((home.alpha, {"member", "reader"}), (beta, {"reader"})):
        assert reaches(estate, v3.Token(estate.auth_url, token=unscoped, **scope)) == roles


def test_v3totp(estate: Estate, home: Home, dave: str) -> None:
    plugin = v3.TOTP(estate.auth_url, user_id=dave, passcode=passcode(), **home.alpha)
    assert reaches(estate, plugin) == {"member", "reader"}


def test_v3multifactor(estate: Estate, home: Home, eve: str) -> None:
    plugin = v3.MultiFactor(
        estate.auth_url,
        auth_methods=["v3password", "v3totp"],
        user_id=eve,
        password=PASSWORD,
        passcode=passcode(),
        **home.alpha,
    )
    assert reaches(estate, plugin) == {"member", "reader"}


def test_two_factors_in_two_steps_with_a_receipt(estate: Estate, home: Home, eve: str) -> None:
    with pytest.raises(exceptions.MissingAuthMethods) as half:
        v3.Password(estate.auth_url, user_id=eve, password=PASSWORD).get_token(session.Session())
    # Home says them in any order.
    assert [set(rule) for rule in half.value.required_auth_methods] == [{"password", "totp"}]
    rest = v3.TOTP(estate.auth_url, user_id=eve, passcode=passcode(), **home.alpha)
    rest.add_method(v3.ReceiptMethod(receipt=half.value.receipt))
    assert reaches(estate, rest) == {"member", "reader"}


def test_a_wrong_second_factor_is_no_login(estate: Estate, home: Home, eve: str) -> None:
    wrong = str((int(passcode()) + 1) % 1_000_000).zfill(6)
    plugin = v3.MultiFactor(
        estate.auth_url,
        auth_methods=["v3password", "v3totp"],
        user_id=eve,
        password=PASSWORD,
        passcode=wrong,
        **home.alpha,
    )
    with pytest.raises(exceptions.Unauthorized):
        plugin.get_token(session.Session())


# ---- application credentials


def test_v3applicationcredential(estate: Estate, home: Home) -> None:
    for what, roles in (({}, {"member", "reader"}), ({"roles": [{"name": "reader"}]}, {"reader"})):
        plugin = v3.ApplicationCredential(estate.auth_url, **credential(estate, home, **what))
        assert reaches(estate, plugin) == roles


def test_the_openstack_command_with_an_application_credential(estate: Estate, home: Home) -> None:
    made = {f"OS_{key.upper()}": value for key, value in credential(estate, home).items()}
    options = {"OS_AUTH_TYPE": "v3applicationcredential", **made}
    assert isinstance(estate.cli("server", "list", **options), list)


EVERYTHING = [
    {"service": service, "method": method, "path": "/**"}
    for service in ("identity", "compute", "network", "image", "block-storage", "placement")
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
]


@pytest.mark.parametrize(
    "rules",
    [[{"service": "compute", "method": "GET", "path": "/v2.1/servers"}], EVERYTHING],
    ids=["one call", "everything"],
)
def test_access_rules_are_refused_by_every_service(
    estate: Estate, home: Home, rules: list[dict[str, str]]
) -> None:
    options = credential(estate, home, access_rules=rules)
    plugin = v3.ApplicationCredential(estate.auth_url, **options)
    token = plugin.get_token(session.Session())
    assert token
    for _ in range(2):
        for path in ("compute/v2.1/servers", "network/v2.0/networks", "image/v2/images"):
            response = requests.get(
                f"{estate.url}/{path}", headers={"X-Auth-Token": token}, timeout=60
            )
            assert response.status_code == 401
            assert "Keystone uri=" in response.headers["WWW-Authenticate"]


def test_access_rules_are_not_lifted_by_what_a_client_says(estate: Estate, home: Home) -> None:
    options = credential(estate, home, access_rules=EVERYTHING)
    token = v3.ApplicationCredential(estate.auth_url, **options).get_token(session.Session())
    assert token
    headers = {"X-Auth-Token": token, "OpenStack-Identity-Access-Rules": "1.0"}
    # Home is told who can enforce the rules; that is between home and the one who asks.
    own = headers | {"X-Subject-Token": token}
    asked = requests.get(f"{estate.auth_url}/v3/auth/tokens", headers=own, timeout=60)
    assert asked.status_code == 200
    assert asked.json()["token"]["application_credential"]["access_rules"]
    url = f"{estate.url}/compute/v2.1/servers"
    assert requests.get(url, headers=headers, timeout=60).status_code == 401


def test_home_itself_enforces_access_rules(estate: Estate, home: Home) -> None:
    url = f"{estate.auth_url}/v3/auth/projects"
    one_call = [{"service": "compute", "method": "GET", "path": "/v2.1/servers"}]
    for rules, status in ((EVERYTHING, 200), (one_call, 401)):
        options = credential(estate, home, access_rules=rules)
        token = v3.ApplicationCredential(estate.auth_url, **options).get_token(session.Session())
        response = requests.get(url, headers={"X-Auth-Token": token or ""}, timeout=60)
        assert response.status_code == status


def test_no_rules_are_no_rules(estate: Estate, home: Home) -> None:
    plugin = v3.ApplicationCredential(estate.auth_url, **credential(estate, home, access_rules=[]))
    assert reaches(estate, plugin) == {"member", "reader"}
