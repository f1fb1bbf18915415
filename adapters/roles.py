"""The roles of one site: their IDs, and what they imply there."""

from adapters.directory import Directory
from adapters.identity import Identity
from adapters.mapping import ROLES, closure, counted_roles
from adapters.sites import Site


class Roles:
    """What a site has of the roles that are known at sites."""

    def __init__(self, site: Site, directory: Directory) -> None:
        self._site = site
        self._directory = directory
        self._implied: dict[str, list[str]] = {}

    async def role_id(self, name: str) -> str | None:
        """The ID of a role; None if the site has it not: releases before 2023.2 have no "manager".

        Raises SiteUnreachable, ExchangeRefused, as all of these do.
        """
        role = await self._directory.find("roles", name)
        return str(role["id"]) if role else None

    async def allowed(self, identity: Identity, *, fresh: bool = False) -> frozenset[str]:
        """All that a site token of this login may have: its roles, and what they imply there."""
        if fresh or not self._implied:
            self._implied = await self._read_implied()
        return closure(counted_roles(identity, self._site), self._implied)

    async def _read_implied(self) -> dict[str, list[str]]:
        answer = await self._directory.call("GET", "/role_inferences", None, {200, 403})
        if answer.status == 403:
            return {role: list(ROLES[rank:]) for rank, role in enumerate(ROLES, start=1)}
        return {
            inference["prior_role"]["name"]: [role["name"] for role in inference["implies"]]
            for inference in answer.json["role_inferences"]
        }
