"""Addresses that clients ask for by name, on subnets that span sites.

Neutron gives any address of a subnet to who asks for it, whatever its pools say, and knows nothing of other
sites. So the address is claimed in the subnet's book before a site is asked, and given back if it refuses.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from federator.call import Call
from federator.faults import BadRequest, Conflict, Fault, NotFound, Unavailable
from federator.merge import made_of
from federator.plan import Whereabouts
from federator.sharing.ports import wishes
from idmap.desired import DesiredStore
from idmap.ledgers import LedgerStore
from idmap.store import StoreUnavailable
from sync.ipam.balance import hungry
from sync.ipam.claims import claimed, unclaimed, used
from sync.ipam.ledger import Ledger
from sync.ipam.ranges import number
from sync.ipam.refused import Elsewhere, Refused
from sync.ledgers import change

Fetch = Callable[[str, int], Awaitable[int]]
"""(subnet, address) -> the version of the claim of an address that came from another site. Raises Fault."""

_FAULTS: Mapping[int, type[Fault]] = {400: BadRequest, 404: NotFound, 409: Conflict}


@dataclass(frozen=True, slots=True)
class Held:
    """A claim that was made for a request."""

    subnet: str
    address: int
    site: str
    since: int


@dataclass(frozen=True, slots=True)
class Claims:
    """Claims addresses for requests."""

    desired: DesiredStore
    ledgers: LedgerStore

    async def make(
        self,
        call: Call,
        where: Whereabouts,
        site: str,
        *,
        network: str = "",
        fetch: Fetch | None = None,
    ) -> list[Held]:
        """Claim what a request asks for, at the site that will serve it. Raises Fault, in Neutron's words.

        `network` is that of a port which is there already, if it is one that spans sites. `fetch` is asked for
        what another site has.
        """
        held: list[Held] = []
        try:
            for named, subnet, text in wishes(call.body):
                for found in await self._subnets(where, named, network, subnet, text):
                    # One by one: what is held by now is given back if the next one fails.
                    held.append(await self._claim(found, number(text), site, fetch))  # noqa: PERF401
        except BaseException:
            await self.give_back(held)
            raise
        return held

    async def give_back(self, held: list[Held]) -> None:
        """The site has refused for sure."""
        for each in held:

            def decide(ledger: Ledger, each: Held = each) -> Ledger:
                return unclaimed(ledger, each.address, each.site, each.since)

            await change(self.ledgers, each.subnet, decide)

    async def used(self, held: list[Held]) -> None:
        """The site has made the ports. What cannot be written down now its daemon sees."""
        for each in held:

            def decide(ledger: Ledger, each: Held = each) -> Ledger:
                return used(ledger, each.address, each.site, each.since)

            with suppress(StoreUnavailable):
                await change(self.ledgers, each.subnet, decide)

    async def hungry(self, call: Call, where: Whereabouts, site: str) -> set[str]:
        """A site has no address left for new ports on a network that spans sites: others give it some.

        The sites that have to be woken for it.
        """
        ports = made_of(call.resource, call.body) if call.resource is not None else []
        networks = Counter(str(port.get("network_id")) for port in ports)
        entries = await self.desired.naming(networks.keys() & where.anchors.keys())
        sites: set[str] = set()
        for entry in entries:
            count = networks.get(str(entry.spec.get("network_id")), 0)
            if entry.kind == "subnet" and count:

                def decide(ledger: Ledger, count: int = count) -> Ledger:
                    return hungry(ledger, site, count)

                await change(self.ledgers, entry.global_id, decide)
                sites |= entry.sites
        return sites

    async def _claim(self, subnet: str, address: int, site: str, fetch: Fetch | None) -> Held:
        try:
            ledger = await change(self.ledgers, subnet, lambda now: claimed(now, address, site))
        except Refused as error:
            if fetch is not None and isinstance(error, Elsewhere):
                return Held(subnet, address, site, await fetch(subnet, address))
            kind = _FAULTS.get(error.status, Unavailable)
            raise kind(str(error), title=error.type) from None
        return Held(subnet, address, site, ledger.version if ledger is not None else 0)

    async def _subnets(
        self, where: Whereabouts, named: str, network: str, subnet: str, text: str
    ) -> list[str]:
        """The subnets that span sites to which the address belongs; none if it is no such subnet's."""
        if subnet:
            return [subnet] if subnet in where.anchors else []
        network = named if named in where.anchors else network
        if not network:
            return []
        entries = await self.desired.naming([network])
        return [
            entry.global_id
            for entry in entries
            if entry.kind == "subnet" and entry.spec.get("network_id") == network
            if ip_address(text) in ip_network(str(entry.spec["cidr"]))
        ]
