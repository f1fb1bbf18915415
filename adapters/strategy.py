"""What every way to a site token has in common (the ways themselves: `adapters.strategies`).

A strategy turns a login at home into a token of one site that has exactly the rights of that login.
It keeps no tokens: that, and that there is one login at a time, is for `adapters.session`.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from adapters.access_tokens import AccessTokens
from adapters.account import Account
from adapters.errors import TokenMixUp
from adapters.identity import Identity
from adapters.keystone.conversation import Grant
from adapters.sites import Site
from adapters.turns import Turns

_log = logging.getLogger(__name__)

LOGINS_AT_ONCE = 8
"""At one site; further ones wait, fairly (`adapters.turns`)."""

_AT_HOME_AT_ONCE = 16
"""Logins at all sites that home has to do with: a home of a few cores makes no more any faster."""


def turns_at_home(seconds: float = 20.0) -> Turns:
    """The queue before home; one for all sites of a process."""
    return Turns("home", _AT_HOME_AT_ONCE, seconds)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a strategy may use."""

    home: Site
    site: Site
    account: Account
    """The gateway's own account at the site."""
    timeout: float
    """Seconds that one login may take."""
    home_turns: Turns = field(default_factory=turns_at_home)
    """To be taken before home is asked to do anything for a login."""
    access_tokens: AccessTokens = field(default_factory=AccessTokens)
    """Those that users logged in with at home."""
    secret: bytes | None = field(default=None, repr=False)
    """The gateway's own (`adapters.secret`)."""


KnownUsers = Mapping[str, str] | Mapping[str, tuple[str, str]]
"""Site user ID -> home user ID, or (user name, domain name) at home where the site knows no ID."""


class Strategy(Protocol):
    """One way from a login at home to a token of one site. All errors are HomeErrors or SiteErrors."""

    per_login: bool
    """Whether a token is good for the login it was made of only, and not for every other login of
    the same user, project, roles and application credential."""

    def check(self, identity: Identity) -> None:
        """Raise NotScoped, NameNotCarried or ExchangeRefused if this login never gets a token here.

        Called before every use of a kept token; asks nobody.
        """
        ...

    async def login(self, identity: Identity) -> Grant:
        """A new token, checked to be for whom and what it was asked for; its `project_id` is set."""
        ...

    async def logout(self, token: str) -> None:
        """Make a token that `login` gave worthless at the site. One that is so already is fine."""
        ...

    async def known_projects(self, home: Account) -> Mapping[str, str]:
        """Home project ID -> site project ID, of all that stand for each other; reads the site.

        `home` is the gateway's account there.
        """
        ...

    async def known_users(self) -> KnownUsers:
        """All who ever logged in; reads the site."""
        ...

    def close(self) -> None:
        """Stop. Logins under way end by themselves."""
        ...


class Expected(NamedTuple):
    """For whom and what a token was asked for."""

    user_name: str
    user_domain: str
    project_id: str
    roles: frozenset[str]
    """All that the token may have; fewer is fine."""
    user_id: str = ""
    """Where the site's ID of the user is known it decides, whatever the user is called."""


async def check_grant(
    site: Site,
    grant: Grant,
    expected: Expected,
    look_again: Callable[[], Awaitable[frozenset[str]]] | None = None,
) -> None:
    """Raise TokenMixUp unless `grant` is what was `expected`.

    `look_again` reads anew which roles may be there: somebody may just have taught the site what a
    role implies.
    """
    wrong = []
    if expected.user_id:
        same = grant.user_id == expected.user_id
    else:
        same = (grant.user_name, grant.user_domain) == (expected.user_name, expected.user_domain)
    if not same:
        wrong.append("user")
    if grant.project_id != expected.project_id:
        wrong.append("project")
    if not grant.roles <= expected.roles and (
        look_again is None or not grant.roles <= await look_again()
    ):
        wrong.append("roles")
    if wrong:
        _log.error(
            "site %s gave a token with another %s: "
            "asked for %s of %s in %s with at most %s, got %s of %s in %s with %s",
            site.name,
            " and ".join(wrong),
            *(expected.user_name, expected.user_domain, expected.project_id),
            sorted(expected.roles),
            *(grant.user_name, grant.user_domain, grant.project_id),
            sorted(grant.roles),
        )
        raise TokenMixUp(site.name, f"its Keystone gave a token with another {' and '.join(wrong)}")
