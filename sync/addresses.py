"""A subnet's addresses in a round at one site: the ledger is opened, joined, kept and left here.

How addresses are shared out is decided in `sync.ipam` and done by `sync.pools`; this is what a round has to
know of it: a replica is made with what its site has been leased by then, and there is none before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from adapters.account import Account
from idmap.desired import Desired
from idmap.ledgers import LedgerStore
from sync.ipam.balance import prepared
from sync.ipam.form import pools_of, ranges_of
from sync.ipam.ledger import Ledger
from sync.ipam.life import opened, with_pools, with_shared, with_site, without_site
from sync.ipam.ranges import minus, number
from sync.ipam.refused import Refused
from sync.kinds.subnet import POOLS
from sync.ledgers import change, new_epoch, open_ledger, read
from sync.patience import Patience
from sync.plan import Replica
from sync.pools import FROM_MACS, keep_pools
from sync.tongue import Untranslatable


@dataclass(frozen=True, slots=True)
class Neutron:
    """What `sync.pools` asks of a site, by the gateway's account."""

    account: Account

    async def request(
        self, method: str, path: str, json: object = None, *, revision: int | None = None
    ) -> tuple[int, Any]:
        headers = {} if revision is None else {"If-Match": f"revision_number={revision}"}
        return await self.account.request(method, "network", path, json, headers=headers)


@dataclass(frozen=True, slots=True)
class Addresses:
    """One site's part in the addresses of all subnets that span sites."""

    site: str
    neutron: Neutron
    ledgers: LedgerStore
    patience: Patience = field(default_factory=Patience)

    async def open(self, entry: Desired, replica: Replica | None) -> bool:
        """At the anchor: where no other site can have anything yet, all addresses are the anchor's.

        After a loss of the ledger others have some of them; then all sites are read, and so they are if the
        anchor's replica is gone before there was one. Whether the tenant wants other pools than the book says,
        or another gateway: then it says so now, and each site has to look.
        """
        if not _leased(entry) or await self._alone(entry):
            return False
        gateway = entry.spec.get("gateway_ip")
        pools = ranges_of(entry.spec.get(POOLS) or ())
        if (known := await read(self.ledgers, entry.global_id)) is not None:
            wanted = pools, number(str(gateway)) if gateway else None
            if (known.pools, known.gateway) == wanted:
                return False
            await change(self.ledgers, entry.global_id, lambda now: with_pools(now, *wanted))
            return True
        has = ranges_of(replica.local.get("allocation_pools") or ()) if replica else ()
        ledger = opened(
            entry.global_id,
            new_epoch(),
            str(entry.spec["cidr"]),
            number(str(gateway)) if gateway else None,
            pools,
            entry.sites | entry.unread if minus(pools, has) else [entry.anchor],
            shared=[number(str(gateway))] if gateway else [],
            has={entry.anchor: has},
        )
        await open_ledger(self.ledgers, ledger)
        return False

    async def share(self, entry: Desired) -> None:
        """The addresses of a router's interface are those of all sites."""
        for each in entry.spec.get("fixed_ips") or ():
            address = number(str(each["ip_address"]))

            def decide(ledger: Ledger, address: int = address) -> Ledger:
                try:
                    return with_shared(ledger, address, entry.anchor)
                except Refused:
                    # Not before all sites are read; the next round asks again.
                    return ledger

            await change(self.ledgers, str(each["subnet_id"]), decide)

    async def born(self, entry: Desired, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The further fields with which a missing replica is made; `fields` in the site's own IDs.

        Raises Untranslatable if it has to wait.
        """
        if not _leased(entry) or await self._alone(entry):
            return {}
        await self._is_not_there(fields)

        def join(ledger: Ledger) -> Ledger:
            known = ledger.member(self.site)
            if known is not None and (not known.read or ledger.releasing(self.site)):
                # It was there, and is not: made again, or gone while nobody looked.
                ledger = without_site(ledger, self.site)
            return prepared(with_site(ledger, self.site), self.site)

        ledger = await change(self.ledgers, entry.global_id, join)
        if ledger is None:
            raise Untranslatable(
                "the daemon of its anchor has not opened the book of its addresses yet"
            )
        pools = ledger.leased(self.site)
        if not pools:
            raise Untranslatable("no other site has given up addresses for it yet")
        return {"allocation_pools": pools_of(pools, ledger.ip_version)}

    async def _is_not_there(self, fields: Mapping[str, Any]) -> None:
        """A replica that has lost its marks is in use all the same: its addresses are nobody else's."""
        query = f"network_id={fields['network_id']}&cidr={quote(str(fields['cidr']), safe='')}"
        status, body = await self.neutron.request("GET", f"/v2.0/subnets?{query}&fields=id")
        if status != 200:
            raise Untranslatable(f"whether it is there cannot be known: {status}")
        if body["subnets"]:
            local_id = body["subnets"][0]["id"]
            raise Untranslatable(f"subnet {local_id} has its addresses, and no marks that say so")

    async def keep(
        self, entry: Desired, replica: Replica
    ) -> tuple[float | None, frozenset[str], str]:
        """One look at a replica's addresses: when to look again, whom to wake, and what is wrong with them."""
        if not _leased(entry) or await self._alone(entry):
            return None, frozenset(), ""
        await change(self.ledgers, entry.global_id, self._joined)
        project = await self.neutron.account.project_id()
        done = await keep_pools(
            self.neutron,
            self.ledgers,
            self.patience,
            entry.global_id,
            self.site,
            replica.local_id,
            account=project,
        )
        wrong = done.refused
        if done.conflicts:
            wrong = f"addresses are given out at {' and '.join(sorted(done.conflicts))} as well"
        return done.again, done.wake, wrong

    async def _alone(self, entry: Desired) -> bool:
        """Whether it is at one site, and always was. Where others have left there is a book, and it goes on."""
        return len(entry.sites) < 2 and await read(self.ledgers, entry.global_id) is None

    def _joined(self, ledger: Ledger) -> Ledger:
        """Here is a replica: if nobody knows of it, it has to be read before anybody gets anything."""
        return ledger if ledger.member(self.site) else with_site(ledger, self.site, read=False)

    async def leave(self, entry: Desired) -> None:
        """The replica is gone from this site for sure."""
        if entry.kind == "subnet":
            await change(
                self.ledgers, entry.global_id, lambda ledger: without_site(ledger, self.site)
            )
            self.patience.forget(entry.global_id)

    async def close_book(self, entry: Desired) -> None:
        """The subnet is at no site any more."""
        if (
            entry.kind == "subnet"
            and (kept := await self.ledgers.read(entry.global_id)) is not None
        ):
            await self.ledgers.drop(entry.global_id, kept)


def _leased(entry: Desired) -> bool:
    """Whether the addresses of an object are shared out."""
    if entry.kind != "subnet":
        return False
    return entry.spec.get("ipv6_address_mode") not in FROM_MACS and POOLS in entry.spec
