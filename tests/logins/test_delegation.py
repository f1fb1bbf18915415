"""Logins in somebody's name: trusts, OS-OAUTH1 and EC2 credentials, as home gives them out."""

import base64
import hashlib
import hmac
import secrets
import time
from typing import Any
from urllib.parse import parse_qs, quote

import pytest
import requests
from keystoneauth1 import session
from keystoneauth1.identity import v3

from tests.logins.estate import PASSWORD, Estate, Home


@pytest.fixture(scope="module")
def bob(home: Home) -> str:
    """A user with nothing in alpha."""
    return home.user("bob", "reader", "beta")


def alice(estate: Estate, home: Home) -> session.Session:
    return session.Session(v3.Password(estate.auth_url, **home.alice, **home.alpha))


def trusted(estate: Estate, home: Home, bob: str, impersonation: bool) -> tuple[str, str]:
    """The ID of a trust of alice's, for a reader of alpha, and bob's token of it."""
    trustor = alice(estate, home)
    new = {
        "trustor_user_id": trustor.get_user_id(),
        "trustee_user_id": bob,
        "project_id": trustor.get_project_id(),
        "impersonation": impersonation,
        "roles": [{"name": "reader"}],
    }
    made = trustor.post(f"{estate.auth_url}/v3/OS-TRUST/trusts", json={"trust": new}).json()
    trust = made["trust"]
    assert trust["links"]["self"].startswith(f"{estate.auth_url}/v3/OS-TRUST/")
    plugin = v3.Password(estate.auth_url, user_id=bob, password=PASSWORD, trust_id=trust["id"])
    access = plugin.get_access(session.Session())
    assert access.username == ("alice" if impersonation else "bob")
    assert set(access.role_names) == {"reader"}
    return trust["id"], access.auth_token


def test_a_trust_is_worth_its_roles_at_every_site_that_trusts_home(
    estate: Estate, home: Home, bob: str
) -> None:
    trust, token = trusted(estate, home, bob, impersonation=False)
    assert estate.missing(token) == "paris"
    denied = requests.post(
        f"{estate.url}/network/v2.0/networks",
        json={"network": {"name": "not-for-readers", "availability_zone_hints": ["tokyo"]}},
        headers={"X-Auth-Token": token},
        timeout=60,
    )
    assert denied.status_code == 403
    alice(estate, home).delete(f"{estate.auth_url}/v3/OS-TRUST/trusts/{trust}")
    deadline = time.monotonic() + 30
    while estate.servers(token).status_code != 401:
        assert time.monotonic() < deadline


def test_a_trust_that_impersonates_is_refused(estate: Estate, home: Home, bob: str) -> None:
    """Its token says alice, home does not let it be looked at, and K2K would assert bob."""
    _, token = trusted(estate, home, bob, impersonation=True)
    for _ in range(2):
        refused = estate.servers(token)
        assert refused.status_code == 403
        assert "Trusts work if they do not impersonate." in refused.json()["forbidden"]["message"]


def signed(
    method: str, url: str, consumer: tuple[str, str], token: tuple[str, str] = ("", ""), **more: str
) -> dict[str, str]:
    """The header of an OAuth 1.0 request, as RFC 5849 has it."""
    fields = {
        "oauth_consumer_key": consumer[0],
        "oauth_nonce": secrets.token_hex(8),
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": str(int(time.time())),
        "oauth_version": "1.0",
        **({"oauth_token": token[0]} if token[0] else {}),
        **more,
    }
    listed = "&".join(f"{key}={quote(fields[key], safe='')}" for key in sorted(fields))
    base = "&".join(quote(part, safe="") for part in (method, url, listed))
    key = f"{quote(consumer[1], safe='')}&{quote(token[1], safe='')}"
    digest = hmac.new(key.encode(), base.encode(), hashlib.sha1).digest()
    fields["oauth_signature"] = base64.b64encode(digest).decode()
    pairs = ", ".join(f'{key}="{quote(value, safe="")}"' for key, value in fields.items())
    return {"Authorization": f"OAuth {pairs}"}


def test_os_oauth1_signs_for_the_url_that_home_knows_itself_by(estate: Estate, home: Home) -> None:
    """What is signed is home's own URL, and clients of ours know another one."""
    new = {"consumer": {"description": "a test"}}
    made = home.call("POST", "/OS-OAUTH1/consumers", new)["consumer"]
    consumer = (made["id"], made["secret"])
    path = "/OS-OAUTH1/request_token"
    project = {"Requested-Project-Id": home.project("alpha")}

    def ask(url: str) -> requests.Response:
        headers = signed("POST", url, consumer, oauth_callback="oob") | project
        return requests.post(f"{estate.auth_url}/v3{path}", headers=headers, timeout=60)

    there = ask(home.url + path)
    assert there.status_code == 201, there.text
    assert parse_qs(there.text)["oauth_token"]
    assert ask(f"{estate.auth_url}/v3{path}").status_code == 401


def ec2_body(access: str, secret: str) -> dict[str, Any]:
    """A request to sign, as a service that speaks EC2 shows it to Keystone."""
    params = {"Action": "Test", "SignatureMethod": "HmacSHA256", "SignatureVersion": "2"}
    params |= {
        "AWSAccessKeyId": access,
        "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    query = "&".join(f"{key}={quote(params[key], safe='-_~')}" for key in sorted(params))
    text = f"GET\nlocalhost\n/\n{query}".encode()
    digest = hmac.new(secret.encode(), text, hashlib.sha256).digest()
    return {
        "credentials": {
            "access": access,
            "signature": base64.b64encode(digest).decode(),
            "host": "localhost",
            "verb": "GET",
            "path": "/",
            "params": params,
        }
    }


def test_ec2tokens_are_for_services_alone(estate: Estate, home: Home) -> None:
    user = alice(estate, home)
    path = f"{estate.auth_url}/v3/users/{user.get_user_id()}/credentials/OS-EC2"
    made = user.post(path, json={"tenant_id": user.get_project_id()}).json()["credential"]
    for what in ("ec2tokens", "s3tokens"):
        url = f"{estate.auth_url}/v3/{what}"
        body = ec2_body(made["access"], made["secret"])
        nobody = requests.post(url, json=body, timeout=60)
        assert nobody.status_code == 401
        tenant = user.get_token()
        mine = requests.post(url, json=body, headers={"X-Auth-Token": tenant or ""}, timeout=60)
        assert mine.status_code in (401, 403)
        assert "X-Subject-Token" not in mine.headers
