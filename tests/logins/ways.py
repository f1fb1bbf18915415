"""Every path by which a user can log in through the gateway, as a function that gives home's token."""

import base64
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from keystoneauth1 import session
from keystoneauth1.identity import v3

from tests.logins.estate import PASSWORD, Estate, Home

SEED = b"12345678901234567890"


def passcode() -> str:
    """The one-time password of this half minute."""
    return TOTP(SEED, 6, SHA1(), 30).generate(time.time()).decode()


def with_one_time_password(home: Home, name: str, **more: Any) -> str:
    """A new user of home with a one-time password beside the usual one."""
    user = home.user(name, **more)
    seed = base64.b32encode(SEED).decode()
    new = {"type": "totp", "user_id": user, "blob": seed}
    home.call("POST", "/credentials", {"credential": new})
    return user


def credential(estate: Estate, home: Home, **what: Any) -> dict[str, str]:
    """A new application credential of alice's for alpha, as options of a plugin."""
    alice = session.Session(v3.Password(estate.auth_url, **home.alice, **home.alpha))
    made = alice.post(
        f"{estate.auth_url}/v3/users/{alice.get_user_id()}/application_credentials",
        json={"application_credential": {"name": uuid.uuid4().hex, **what}},
    ).json()["application_credential"]
    return {
        "application_credential_id": made["id"],
        "application_credential_secret": made["secret"],
    }


def _by_password(estate: Estate, home: Home) -> Any:
    return v3.Password(estate.auth_url, **home.alice, **home.alpha)


def _by_token(estate: Estate, home: Home) -> Any:
    unscoped = v3.Password(estate.auth_url, **home.alice).get_token(session.Session())
    return v3.Token(estate.auth_url, token=unscoped, **home.alpha)


def _by_credential(estate: Estate, home: Home) -> Any:
    made = credential(estate, home, roles=[{"name": "reader"}])
    return v3.ApplicationCredential(estate.auth_url, **made)


def _by_totp(estate: Estate, home: Home) -> Any:
    user = with_one_time_password(home, f"totp-{uuid.uuid4().hex[:8]}")
    return v3.TOTP(estate.auth_url, user_id=user, passcode=passcode(), **home.alpha)


def _by_two_factors(estate: Estate, home: Home) -> Any:
    user = with_one_time_password(home, f"both-{uuid.uuid4().hex[:8]}")
    return v3.MultiFactor(
        estate.auth_url,
        auth_methods=["v3password", "v3totp"],
        user_id=user,
        password=PASSWORD,
        passcode=passcode(),
        **home.alpha,
    )


def _by_openid(estate: Estate, home: Home) -> Any:
    return estate.openid()


def _by_access_token(estate: Estate, home: Home) -> Any:
    return v3.OidcAccessToken(
        estate.auth_url,
        identity_provider="corp",
        protocol="openid",
        access_token=estate.access_token("erin"),
        project_name="alpha",
        project_domain_name="acme",
    )


LOGINS: Mapping[str, Callable[[Estate, Home], Any]] = {
    "v3password": _by_password,
    "v3token": _by_token,
    "v3applicationcredential": _by_credential,
    "v3totp": _by_totp,
    "v3multifactor": _by_two_factors,
    "v3oidcpassword": _by_openid,
    "v3oidcaccesstoken": _by_access_token,
}
"""Name of the client's plugin -> a login for a project by it."""

STRATEGIES = ("k2k", "oidc", "mapped")
WAYS = [
    *(f"{strategy}-{site}" for strategy in STRATEGIES for site in ("paris", "osaka", "tokyo")),
    "shared-kyoto",
]
"""Strategy and site of the lab, of which each has another release."""
