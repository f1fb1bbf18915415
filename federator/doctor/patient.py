"""What a check may look at (`Patient`), and what it says (`Finding`)."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from adapters.account import Account
from adapters.sites import Site
from adapters.spec import Service
from federator.doctor.ward import Ward


class Level(StrEnum):
    """How bad it is."""

    GOOD = "good"
    NOTE = "note"
    """Works, and somebody should know."""
    WRONG = "wrong"


class Finding(NamedTuple):
    """One line."""

    level: Level
    what: str
    cure: str = ""


class Heard(NamedTuple):
    """An answer to a question without a token."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Patient:
    """One site (or home itself), and home beside it."""

    home: Site
    site: Site
    home_account: Account
    account: Account
    services: Mapping[str, Service]
    ask: Callable[[Site, str], Awaitable[Heard]]
    """GET of a URL of a site. Raises SiteUnreachable."""
    ward: Ward
    """All sites, to compare it with."""
    secret: bytes | None = field(default=None, repr=False)
    """The gateway's own (`adapters.secret`)."""

    @property
    def is_home(self) -> bool:
        """Whether it is home that is looked at."""
        return self.site is self.home


Check = Callable[[Patient], AsyncIterator[Finding]]
"""Raises FederationError where something does not answer: that becomes a finding too."""


def good(what: str) -> Finding:
    """All is well."""
    return Finding(Level.GOOD, what)


def note(what: str, cure: str) -> Finding:
    """It works, but."""
    return Finding(Level.NOTE, what, cure)


def wrong(what: str, cure: str) -> Finding:
    """It does not work; `cure` says what to do."""
    return Finding(Level.WRONG, what, cure)
