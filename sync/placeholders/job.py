"""Makes, changes and takes away placeholders at one site, in as few calls as Neutron has for it.

Ports are made in bulk. A bulk is made as a whole or not at all, so one that is refused is tried in halves,
until it is known which of its ports the site does not take.
"""

from collections import Counter
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.marks import REMOTE, marked
from sync.cloud import Changed, Led, Refused
from sync.placeholders.wanted import Wanted
from sync.placeholders.work import Placeholder
from sync.refusals import Refusals

MOST_REFUSED = 10
"""After so many refusals nothing more is tried in this round."""


@dataclass(slots=True)
class Job:
    """What is done in one round. Every method raises SiteUnreachable, NotLeading."""

    cloud: Led
    refusals: Refusals
    federation: str
    done: Counter[str] = field(default_factory=Counter)
    stale: bool = False
    """Whether somebody has changed one of them since it was looked at."""

    async def make(self, bulk: Sequence[Wanted]) -> None:
        """All of these, as far as the site takes them."""
        if self.done["refused"] >= MOST_REFUSED:
            for each in bulk:
                self.refusals.add(each.port, each.network, "too much else was refused before")
            return
        try:
            await self.cloud.call("POST", "/v2.0/ports", {"ports": [self._new(w) for w in bulk]})
        except Refused as error:
            if len(bulk) == 1:
                self._refused(bulk[0].port, bulk[0].network, error)
                return
            half = len(bulk) // 2
            await self.make(bulk[:half])
            await self.make(bulk[half:])
            return
        for each in bulk:
            self.refusals.drop(each.port)
        self.done["made"] += len(bulk)

    async def change(self, there: Placeholder, wanted: Wanted, fields: Mapping[str, Any]) -> None:
        """One of them, as it is to be."""
        path = f"/v2.0/ports/{there.local_id}"
        body = {"port": dict(fields)}
        if there.port != wanted.port:
            # It kept the address for this one (`sync.ipam.moves`).
            body["port"]["description"] = marked("", wanted.port, self.federation)
        call = self.cloud.call("PUT", path, body, revision=there.revision)
        if await self._is_done(call, there, wanted.network):
            self.done["changed"] += 1

    async def remove(self, there: Placeholder, network: str) -> None:
        """One of them. If it has become a server's own meanwhile it stays."""
        path = f"/v2.0/ports/{there.local_id}"
        call = self.cloud.call("DELETE", path, revision=there.revision)
        if await self._is_done(call, there, network):
            self.done["removed"] += 1

    async def _is_done(self, call: Awaitable[Any], there: Placeholder, network: str) -> bool:
        try:
            await call
        except Changed:
            self.stale = True
            return False
        except Refused as error:
            if error.status != 404:
                self._refused(there.port, network, error)
            return False
        self.refusals.drop(there.port)
        return True

    def _new(self, wanted: Wanted) -> dict[str, Any]:
        mark = marked("", wanted.port, self.federation)
        return {**wanted.fields, "device_owner": REMOTE, "description": mark}

    def _refused(self, port: str, network: str, error: Refused) -> None:
        self.done["refused"] += 1
        self.refusals.add(port, network, str(error))
