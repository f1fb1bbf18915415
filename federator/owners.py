"""Projects and users: home's IDs outside, each site's own inside.

A project has one ID at each site. A user has several: the mapping makes one shadow user per project and
role (`docs/identity.md` says why). Both are pins of the ID map, made at the first login at a site and found
again by the rebuild.
"""

import asyncio
from dataclasses import dataclass, field, replace

from adapters.identity import Identity, SiteToken
from idmap.front import IdMap
from idmap.store import Location, Pin

ORIGIN = "mapping"


@dataclass(slots=True)
class Owners:
    """Remembers whose a site's projects and users are."""

    ids: IdMap
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def remember(self, identity: Identity, token: SiteToken) -> None:
        """Pin the project and the user of a login at a site, if that is news."""
        if not self._news(identity, token):
            return
        # One at a time, and never over what another process wrote meanwhile: the logins of one user at two
        # sites would each write a pin without the other's site.
        async with self._writing:
            while pins := self._news(identity, token):
                await self.ids.store.put_pins(pins, seen=self.ids.state)
                await self.ids.refresh()

    def shadows(self, user_id: str) -> frozenset[Location]:
        """Every shadow user of a home user that is known."""
        user = self.ids.pins.pin("user", user_id)
        return user.aliases if user is not None else frozenset()

    def _news(self, identity: Identity, token: SiteToken) -> list[Pin]:
        pins = []
        if identity.project_id is not None:
            project = self.ids.pins.pin("project", identity.project_id)
            if project is None:
                project = Pin(identity.project_id, "project", ORIGIN, {})
            if project.places.get(token.site) != token.project_id:
                places = {**project.places, token.site: token.project_id}
                pins.append(replace(project, places=places))
        user = self.ids.pins.pin("user", identity.user_id)
        if user is None:
            user = Pin(identity.user_id, "user", ORIGIN, {})
        shadow = Location(token.site, token.user_id)
        if shadow not in user.aliases:
            pins.append(replace(user, aliases=user.aliases | {shadow}))
        return pins
