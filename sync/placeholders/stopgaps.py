"""Addresses of this site that a client asks for at another: a port of ours has each first (`sync.ipam.moves`).

Thin: whose an address is, and how long a stopgap stands, is decided elsewhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from adapters.marks import REMOTE, marked
from idmap.ledgers import LedgerStore
from sync.cloud import Led, Refused
from sync.ipam.claims import used
from sync.ipam.ledger import Claim, Ledger, Move
from sync.ipam.moves import declined, due, granted, holder
from sync.ipam.ranges import text
from sync.ledgers import change, read
from sync.placeholders.wanted import DEVICE, Address, Land

log = structlog.get_logger(__name__)

Books = Mapping[str, Ledger]
"""This site's ID of a subnet -> its ledger."""


@dataclass(frozen=True, slots=True)
class Stopgaps:
    """One site's part in the moves of addresses."""

    site: str
    ledgers: LedgerStore
    federation: str

    async def books(self, land: Land) -> Books:
        """Of all subnets here whose addresses several sites have. Raises StoreUnavailable."""
        found = {local: await read(self.ledgers, each.global_id) for local, each in land.subnets}
        return {local: ledger for local, ledger in found.items() if ledger is not None}

    async def seen(self, books: Books, ports: Sequence[Mapping[str, Any]]) -> None:
        """These ports were seen here after the books had been read: what was claimed for them is theirs."""
        there = _addresses(ports)
        for local, ledger in books.items():
            for claim in ledger.claims:
                if claim.site == self.site and (local, _spelt(ledger, claim.address)) in there:

                    def decide(now: Ledger, claim: Claim = claim) -> Ledger:
                        return used(now, claim.address, claim.site, claim.since)

                    await change(self.ledgers, ledger.subnet, decide)

    async def hand_over(
        self, books: Books, land: Land, standing: Mapping[Address, str], cloud: Led
    ) -> bool:
        """Answer what is asked of this site; whether anything was. `standing`: the local IDs of our ports.

        Raises SiteUnreachable, NotLeading, StoreUnavailable.
        """
        asked = [
            (local, ledger, m) for local, ledger in books.items() for m in due(ledger, self.site)
        ]
        for local, ledger, move in asked:
            stands = standing.get((local, _spelt(ledger, move.address)), "")
            is_taken = bool(holder(ledger, move.address, move.site)) and (
                await self._kept(stands, move, cloud)
                or await self._taken(local, ledger, move, land, cloud)
            )

            def decide(now: Ledger, move: Move = move, is_taken: bool = is_taken) -> Ledger:
                return granted(now, move, self.site) if is_taken else declined(now, move)

            await change(self.ledgers, ledger.subnet, decide)
            address = _spelt(ledger, move.address)
            log.info("address asked for", site=self.site, to=move.site, ip=address, gone=is_taken)
        return bool(asked)

    async def _kept(self, local_id: str, move: Move, cloud: Led) -> bool:
        """Whether a port of ours stands there, and stays: who found it useless before, and wants to delete it
        only now, finds it in another revision."""
        if not local_id:
            return False
        body = {"port": {"name": f"moves in {move.since}"}}
        try:
            await cloud.call("PUT", f"/v2.0/ports/{local_id}", body)
        except Refused:
            return False
        return True

    async def _taken(self, local: str, ledger: Ledger, move: Move, land: Land, cloud: Led) -> bool:
        """Whether nobody here has the address, nor will: for a port of ours has it now."""
        fields = {
            "network_id": land.network_of(ledger.subnet),
            "fixed_ips": [{"subnet_id": local, "ip_address": _spelt(ledger, move.address)}],
            "security_groups": [],
            "device_owner": REMOTE,
            "device_id": DEVICE + move.site,
            "description": marked("", ledger.subnet, self.federation),
        }
        try:
            await cloud.call("POST", "/v2.0/ports", {"port": fields})
        except Refused as error:
            log.info("address not given away", site=self.site, to=move.site, why=str(error))
            return False
        return True


def _addresses(ports: Sequence[Mapping[str, Any]]) -> set[Address]:
    fixed = [each for port in ports for each in port.get("fixed_ips") or ()]
    return {(str(each["subnet_id"]), str(each["ip_address"])) for each in fixed}


def _spelt(ledger: Ledger, address: int) -> str:
    return text(address, ledger.ip_version)
