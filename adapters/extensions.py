"""Which extensions the services of each site have, asked by the gateway's account and remembered.

A tenant sees those that every site has. A site that is away counts with those that it had when it was asked
last: what the federation can do must not change because a site is away.
"""

import asyncio
import logging
from collections.abc import Mapping

from adapters import rights
from adapters.account import Account
from adapters.errors import SiteError
from adapters.spec import Service

_log = logging.getLogger(__name__)


class Extensions:
    """Keeps the extension lists of all sites."""

    def __init__(self, services: Mapping[str, Service]) -> None:
        self._paths = {right.service: right.path for right in rights.extensions(services)}
        self._known: dict[tuple[str, str], frozenset[str]] = {}
        self.changes = 0
        """How often something was news."""

    def of(self, site: str, service_type: str) -> frozenset[str] | None:
        """The aliases that a service named last; None if it never did."""
        return self._known.get((site, service_type))

    def of_site(self, site: str) -> dict[str, frozenset[str]]:
        """Service type -> the aliases that it named last at this site."""
        return {service: aliases for (of, service), aliases in self._known.items() if of == site}

    def recall(self, site: str, service_type: str, aliases: frozenset[str]) -> None:
        """Take over what another process heard, unless this one has heard something itself."""
        if (site, service_type) not in self._known:
            self._hear(site, service_type, aliases)

    async def refresh(self, account: Account, endpoints: Mapping[str, str]) -> None:
        """Ask all services of a site. One that gives no answer keeps what it said last."""
        wanted = [service for service in self._paths if service in endpoints]
        await asyncio.gather(*(self._ask(account, service) for service in wanted))

    async def _ask(self, account: Account, service_type: str) -> None:
        try:
            answer = await account.get(service_type, self._paths[service_type])
            if answer.status != 200:
                raise ValueError(f"HTTP {answer.status}")
            aliases = frozenset(str(each["alias"]) for each in answer.json["extensions"])
        except (SiteError, ValueError, LookupError, TypeError) as error:
            # A broken list is none.
            _log.warning("%s of site %s shows no extensions: %s", service_type, account.site, error)
            return
        self._hear(account.site, service_type, aliases)

    def _hear(self, site: str, service_type: str, aliases: frozenset[str]) -> None:
        if self._known.get((site, service_type)) != aliases:
            self._known[site, service_type] = aliases
            self.changes += 1
