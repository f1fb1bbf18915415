"""The deputies (`adapters.deputy`) at one site: made at the first login, renamed with their home user.

Whatever is there is used: a second process that makes the same one at the same moment gets 409 and
looks again. Nothing is ever taken away from a deputy, so no login can end another's token; the one
exception is a new password, for which Keystone ends them all.
"""

import asyncio
from typing import NamedTuple
from urllib.parse import quote

from cachetools import LRUCache, TTLCache

from adapters import deputy
from adapters.directory import Directory, Entry
from adapters.errors import ExchangeRefused
from adapters.flight import SingleFlight
from adapters.identity import Identity
from adapters.mapping import counted_roles
from adapters.roles import Roles
from adapters.sites import Site

_OPTIONS = {
    "ignore_password_expiry": True,
    "ignore_change_password_upon_first_use": True,
    "ignore_lockout_failure_attempts": True,  # a password of 256 bits; or anybody could lock users out
    "ignore_user_inactivity": True,
    "lock_password": True,
}
"""Rules for passwords that people choose and keep (``[security_compliance]``): not for these."""

_KEPT = 50_000
_PATIENCE_SECONDS = 60.0
"""A password that was set and is refused again is not the cause, or somebody else sets it too."""

_SAME_SECOND = 1.1
"""A new password ends all tokens up to the end of its second, also those it was used for."""


class SiteUser(NamedTuple):
    """A deputy as the site has it."""

    id: str
    name: str


class SiteUsers:
    """Finds or makes the deputies of one site. `secret` is what their passwords are made of."""

    def __init__(self, site: Site, directory: Directory, roles: Roles, secret: bytes) -> None:
        self._site = site
        self._directory = directory
        self._roles = roles
        self._secret = secret
        self._domain_id = ""
        self._known: LRUCache[str, SiteUser] = LRUCache(_KEPT)
        self._granted: LRUCache[tuple[str, str], bool] = LRUCache(_KEPT)
        self._renewed: TTLCache[str, bool] = TTLCache(_KEPT, _PATIENCE_SECONDS)
        self._user_flights: SingleFlight[str, SiteUser] = SingleFlight()
        self._grant_flights: SingleFlight[tuple[str, str], None] = SingleFlight()
        self._renewals: SingleFlight[str, None] = SingleFlight()

    async def ensure(self, identity: Identity, project_id: str) -> SiteUser:
        """The deputy of this login, with its roles on the site's project; asks once per process.

        Raises NotScoped, SiteUnreachable, ExchangeRefused.
        """
        key = self._key(identity)
        user = self._known.get(key)
        if user is None or user.name != deputy.name(identity, self._roles_of(identity)):
            user = await self._user_flights.run(key, lambda: self._find_or_make(identity))
            self._known[key] = user
        granted = (user.id, project_id)
        if granted not in self._granted:
            await self._grant_flights.run(granted, lambda: self._grant(identity, *granted))
            self._granted[granted] = True
        return user

    def password(self, identity: Identity) -> str:
        """The password of this login's deputy."""
        site = str(self._site.key.namespace)
        return deputy.password(self._secret, site, self._key(identity))

    def forget(self, identity: Identity, project_id: str | None) -> None:
        """The site refused this login: look again whether everything is there."""
        user = self._known.pop(self._key(identity), None)
        if user is not None and project_id is not None:
            self._granted.pop((user.id, project_id), None)

    async def renew_password(self, identity: Identity, user: SiteUser) -> None:
        """Set the password that the secret of now gives. All tokens of the deputy end.

        Raises SiteUnreachable, and ExchangeRefused also if that was done a moment ago already.
        """
        await self._renewals.run(user.id, lambda: self._renew_password(identity, user))

    async def known(self) -> dict[str, str]:
        """Site user ID -> home user ID, of all deputies. Raises SiteUnreachable, ExchangeRefused."""
        domain = await self._domain()
        users = await self._directory.list("users", domain_id=domain)
        owners = {str(user["id"]): deputy.home_user_id(user["name"]) for user in users}
        return {user_id: owner for user_id, owner in owners.items() if owner is not None}

    def _roles_of(self, identity: Identity) -> tuple[str, ...]:
        return counted_roles(identity, self._site)

    def _key(self, identity: Identity) -> str:
        return deputy.key(identity, self._roles_of(identity))

    async def _find_or_make(self, identity: Identity) -> SiteUser:
        roles = self._roles_of(identity)
        name = deputy.name(identity, roles)
        said = {"name": name, "description": deputy.description(identity, roles)}
        domain = await self._domain()
        user = await self._directory.find("users", name, domain_id=domain)
        if user is None:
            user = await self._renamed(self._key(identity), domain)
            if user is not None:
                await self._change(str(user["id"]), said)
        if user is None:
            user = await self._make({**said, "domain_id": domain, **self._login_of(identity)})
        if not user.get("enabled", True):
            raise self._disabled(str(user["id"]))
        return SiteUser(str(user["id"]), name)

    async def _renamed(self, key: str, domain: str) -> Entry | None:
        """The deputy whose home user had another name when it was last looked at."""
        query = f"domain_id={quote(domain)}&name__startswith={quote(key)}"
        # Keystone means to drop such filters one day. A renamed user then gets a new deputy.
        answer = await self._directory.call("GET", f"/users?{query}", None, {200, 400})
        found = answer.json["users"] if answer.status == 200 else []
        return next((user for user in found if user["name"].startswith(key)), None)

    async def _make(self, new: Entry) -> Entry:
        try:
            user = await self._directory.find_or_add("users", new)
        except ExchangeRefused as error:
            raise self._rules_of_passwords(error) from None
        if user is None:
            reason = f"the name {new['name']} is taken there in another spelling"
            raise ExchangeRefused(self._site.name, reason)
        return user

    async def _grant(self, identity: Identity, user_id: str, project_id: str) -> None:
        for role in self._roles_of(identity):
            role_id = await self._roles.role_id(role)
            if role_id is not None:
                await self._directory.grant_to_user(project_id, user_id, role_id)

    async def _renew_password(self, identity: Identity, user: SiteUser) -> None:
        if user.id in self._renewed:
            raise ExchangeRefused(
                self._site.name,
                f"its Keystone refuses the password that user {user.id} got a moment ago; do all "
                "processes of the gateway have the same secret_file?",
                401,
            )
        await self._change(user.id, self._login_of(identity))
        self._renewed[user.id] = True
        await asyncio.sleep(_SAME_SECOND)

    def _login_of(self, identity: Identity) -> Entry:
        return {"password": self.password(identity), "options": _OPTIONS}

    async def _change(self, user_id: str, news: Entry) -> None:
        try:
            await self._directory.call("PATCH", f"/users/{quote(user_id)}", {"user": news}, {200})
        except ExchangeRefused as error:
            raise self._rules_of_passwords(error) from None

    def _rules_of_passwords(self, error: ExchangeRefused) -> ExchangeRefused:
        if error.status != 400:
            return error
        cure = (
            "if its [security_compliance] has a password_regex, it has to take 47 characters of "
            "A-Z a-z 0-9 - _, of which there are upper and lower case, a digit and a dash"
        )
        return ExchangeRefused(self._site.name, f"{error.reason}; {cure}", 400)

    def _disabled(self, user_id: str) -> ExchangeRefused:
        reason = f"user {user_id} there, who stands for this login, is disabled; enable it there"
        return ExchangeRefused(self._site.name, reason, 403)

    async def _domain(self) -> str:
        if not self._domain_id:
            name = self._site.federation.group_domain
            new = {
                "name": name,
                "description": "Users who stand for users of home; made by federator",
            }
            domain = await self._directory.find_or_add("domains", new)
            if domain is None:
                reason = f"the domain name {name} is taken there in another spelling"
                raise ExchangeRefused(self._site.name, reason)
            if not domain.get("enabled", True):
                raise ExchangeRefused(
                    self._site.name, f"domain {name} is disabled; enable it there"
                )
            self._domain_id = str(domain["id"])
        return self._domain_id
