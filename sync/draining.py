"""A router is drained at a site: all its interfaces there go, and stay away until it is restored.

The other sites' routers answer for the gateway meanwhile. With some of its interfaces gone and others not, a
router swallows what it is sent, so it is all of them or none: what needs one is looked for before, and a daemon
that is refused one all the same brings the others back (`sync.outcome`).
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import monotonic

from idmap.desired import Desired, DesiredStore, State
from idmap.front import IdMap
from sync.cloud import Cloud
from sync.transit.words import NAME, ends_of, loaded

_LOOK_SECONDS = 0.2


class Undrainable(Exception):
    """It is not drained, or not restored; says why, and what would help."""


@dataclass(frozen=True, slots=True)
class Draining:
    """Drains and restores routers at one site. Every method may raise StoreUnavailable."""

    store: DesiredStore
    ids: IdMap
    cloud: Cloud

    @property
    def site(self) -> str:
        """Its name."""
        return self.cloud.site

    async def router(self, name: str) -> Desired:
        """The router of this ID or name that spans sites. Raises Undrainable."""
        routers = [e for e in await self.store.all() if e.kind == "router" and not e.deleted]
        found = [each for each in routers if each.global_id == name]
        found = found or [each for each in routers if each.spec.get("name") == name]
        if not found:
            raise Undrainable(f"no router that spans sites is called {name}")
        if len(found) > 1:
            ids = ", ".join(each.global_id for each in found)
            raise Undrainable(f"{len(found)} routers are called {name}; say which: {ids}")
        return found[0]

    async def drain(self, router: Desired) -> None:
        """From now on it is to have no interfaces here. Raises Undrainable, Refused, SiteUnreachable."""
        await self._may_be_drained(router)
        await self._write(router, drained=True)

    async def restore(self, router: Desired) -> None:
        """From now on it is to have its interfaces here again. Raises Undrainable, Refused, SiteUnreachable."""
        await self._write(router, drained=False)

    async def _write(self, router: Desired, *, drained: bool) -> None:
        for _ in range(2):
            if (self.site in router.drained) is drained:
                return
            new = replace(router, drained=router.drained ^ {self.site})
            if await self.store.put(new) is not None:
                await self.store.wake([self.site])
                return
            # Somebody was faster: on top of what he wrote, if that still allows it.
            router = await self.router(router.global_id)
            if drained:
                await self._may_be_drained(router)
        raise Undrainable(f"router {router.global_id} is being changed; try again")

    async def wait(self, global_id: str, state: State, seconds: float) -> int:
        """Until all its interfaces here are drained, or ready: how many. Raises Undrainable."""
        end = monotonic() + seconds
        while True:
            router = await self.router(global_id)
            mine = await self._interfaces(global_id)
            statuses = await self.store.statuses(self.site, [each.global_id for each in mine])
            errors = [each.error for each in statuses.values() if each.error]
            if state is State.DRAINED and self.site not in router.drained:
                raise Undrainable("; ".join(["nothing was drained", *errors]))
            there = [statuses.get(each.global_id) for each in mine]
            if all(status is not None and status.state is state for status in there):
                return len(mine)
            if not await self.store.led(self.site):
                raise Undrainable(f"it is done when a daemon of {self.site} runs (federator sync)")
            if monotonic() > end:
                raise Undrainable("; ".join(["it goes on; federator plan shows how", *errors]))
            await asyncio.sleep(_LOOK_SECONDS)

    async def _interfaces(self, router: str) -> Sequence[Desired]:
        return [
            each
            for each in await self.store.naming([router])
            if each.kind == "router_interface"
            and not each.deleted
            and self.site in each.sites
            and each.spec.get("device_id") == router
        ]

    async def _may_be_drained(self, router: Desired) -> None:
        if self.site not in router.sites:
            raise Undrainable(f"router {router.global_id} is not at {self.site}")
        if router.quarantined:
            raise Undrainable(f"router {router.global_id} is in quarantine: {router.quarantined}")
        if not router.sites - router.drained - {self.site}:
            raise Undrainable(f"{self.site} is the only site left at which it has interfaces")
        words = loaded(await self.store.published(NAME))
        here = ends_of(words, router.global_id, [self.site]).get(self.site)
        if here is not None and here.own:
            raise Undrainable(
                f"it leads to {', '.join(here.own)} at {self.site}, where no other site's router can"
            )
        await self.ids.refresh()
        local_id = (self.ids.pins.places("router", router.global_id) or {}).get(self.site)
        if local_id is None:
            return
        body = await self.cloud.call("GET", f"/v2.0/floatingips?router_id={local_id}")
        if addresses := sorted(str(each["floating_ip_address"]) for each in body["floatingips"]):
            raise Undrainable(
                f"floating IPs of {self.site} go through it: {', '.join(addresses)}; take them off their"
                " ports first, for they work at no other site"
            )
