"""What the story of a request asks of all this: bring what is needed, see to what has been made."""

from collections.abc import Sequence, Set
from dataclasses import dataclass

from adapters.identity import Identity
from federator.call import Call
from federator.plan import Whereabouts
from federator.sharing.anchor import Anchor
from federator.sharing.closure import Closure
from federator.sharing.need import Need, need
from sync.round import VLANS

_KINDS = frozenset({"network", "subnet", "router", "security_group", "address_group", "policy"})
"""What a request can refer to that may come to its site: the kinds that can be at several."""


@dataclass(frozen=True, slots=True)
class Sharing:
    """The gateway's part in what spans sites."""

    anchor: Anchor
    sites: Sequence[str]
    default_site: str
    seconds: float
    """How long a request waits for what it needs to come to its site."""

    async def bring(
        self, call: Call, where: Whereabouts, identity: Identity, request_id: str, away: Set[str]
    ) -> bool:
        """See to it that what a request refers to is where it has to be served. Whether anything had to come.

        Raises Conflict, Unavailable.
        """
        wish = need(call, where, _KINDS, self.sites, self.default_site, away)
        if wish is None or not await self._kept_alike(wish, where):
            return False
        closure = Closure(self.anchor.reader, identity, request_id)
        for kind, global_id in wish.missing:
            await closure.add(kind, global_id)
        members = closure.members.values()
        # The login brings the project to the site, and nothing can be there without it.
        await self.anchor.reader.fanout.asker.site_token(identity, wish.site)
        ids = await self.anchor.wanted.at(members, [wish.site])
        sites = {wish.site, *(member.anchor for member in members)}
        await self.anchor.wanted.wait(ids, sorted(sites), self.seconds)
        return True

    async def _kept_alike(self, wish: Need, where: Whereabouts) -> bool:
        """Whether there are, or were, daemons of the site and of those of what has to come: else none spans."""
        daemons = await self.anchor.wanted.store.published(VLANS)
        from_ = {site for _, ref in wish.missing for site in where.body[ref]}
        return {wish.site, *from_} <= daemons.keys()
