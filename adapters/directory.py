"""Domains, projects, groups, users and roles of one Keystone, as the gateway's account sees them."""

from collections.abc import Collection
from typing import Any
from urllib.parse import quote, urlencode

from adapters.account import Account
from adapters.errors import ExchangeRefused, SiteFailed, SiteUnreachable
from adapters.keystone.conversation import PROXY_SAYS_DOWN, Answer

Entry = dict[str, Any]
"""A domain, project, ... as Keystone shows it."""


class Directory:
    """Reads and adds entries. All methods raise SiteUnreachable; ExchangeRefused if Keystone says no."""

    def __init__(self, account: Account) -> None:
        self._account = account

    async def list(self, collection: str, **query: str) -> list[Entry]:
        """All entries of "projects", "users", ... that match `query`."""
        found: list[Entry] = []
        path: str | None = f"/{collection}?{urlencode(query)}"
        while path:
            body = (await self.call("GET", path, None, {200})).json
            found += body[collection]
            if body.get("truncated"):
                # A part would be taken for the whole, and what is missing for not existing.
                reason = f"its Keystone cut the list of {collection} short (list_limit); raise it"
                raise SiteFailed(self._account.site, reason)
            following = (body.get("links") or {}).get("next")
            path = "/" + following.partition("/v3/")[2] if following else None
        return found

    async def find(self, collection: str, name: str, **query: str) -> Entry | None:
        """The entry of exactly this name. (Keystone's own comparison may ignore upper case.)"""
        for entry in await self.list(collection, name=name, **query):
            if entry["name"] == name:
                return entry
        return None

    async def project(self, domain_and_project: str) -> Entry | None:
        """The project ``DOMAIN/PROJECT``."""
        domain_name, _, name = domain_and_project.partition("/")
        domain = await self.find("domains", domain_name)
        if domain is None:
            return None
        return await self.find("projects", name, domain_id=domain["id"])

    async def add(self, collection: str, entry: Entry) -> Entry | None:
        """The new entry; None if there is one of this name already (perhaps since a moment ago)."""
        key = collection.removesuffix("s")
        answer = await self.call("POST", f"/{collection}", {key: entry}, {201, 409})
        return answer.json[key] if answer.status == 201 else None

    async def find_or_add(self, collection: str, entry: Entry) -> Entry | None:
        """The entry of this name (and domain, if `entry` has one), a new one if there is none.

        None if Keystone takes the name for that of another entry: its comparison may ignore upper
        case and accents.
        """
        within = {key: str(entry[key]) for key in ("domain_id",) if key in entry}
        name = str(entry["name"])
        found = await self.find(collection, name, **within)
        if found is None:
            found = await self.add(collection, entry)
        if found is None:
            # Another gateway may have added it just now.
            found = await self.find(collection, name, **within)
        return found

    async def grant_to_group(self, project_id: str, group_id: str, role_id: str) -> None:
        """Give a group a role on a project, unless it has it."""
        await self._grant(f"/projects/{quote(project_id)}/groups/{quote(group_id)}", role_id)

    async def grant_to_user(self, project_id: str, user_id: str, role_id: str) -> None:
        """Give a user a role on a project, unless they have it."""
        await self._grant(f"/projects/{quote(project_id)}/users/{quote(user_id)}", role_id)

    async def call(self, method: str, path: str, body: object, expected: Collection[int]) -> Answer:
        """One call below ``/v3``, whose status has to be one of `expected`."""
        answer = await self._account.request(method, "identity", f"/v3{path}", body)
        if answer.status in expected:
            return answer
        reason = f"its Keystone answers HTTP {answer.status} to {method} {path.partition('?')[0]}"
        if answer.status in PROXY_SAYS_DOWN:
            raise SiteUnreachable(self._account.site, reason)
        if answer.status >= 500:
            raise SiteFailed(self._account.site, reason)
        reason = f"{reason} of the gateway's account"
        raise ExchangeRefused(self._account.site, reason, answer.status)

    async def _grant(self, whom: str, role_id: str) -> None:
        path = f"{whom}/roles/{quote(role_id)}"
        # Looking first keeps Keystone's caches: each grant throws all of them away.
        if (await self.call("HEAD", path, None, {200, 204, 404})).status == 404:
            await self.call("PUT", path, None, {204})
