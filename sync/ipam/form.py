"""The forms in which addresses are written: Neutron's `allocation_pools`, and the ledger as it is kept."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sync.ipam.ledger import Claim, Lease, Ledger, Member, Move
from sync.ipam.ranges import Ranges, joined, number, text


def ranges_of(pools: Iterable[Mapping[str, Any]]) -> Ranges:
    """`allocation_pools` as ranges. Raises ValueError, KeyError."""
    return joined([(number(pool["start"]), number(pool["end"])) for pool in pools])


def pools_of(ranges: Ranges, ip_version: int) -> list[dict[str, str]]:
    """Ranges as `allocation_pools`."""
    return [
        {"start": text(start, ip_version), "end": text(end, ip_version)} for start, end in ranges
    ]


def dumped(ledger: Ledger) -> bytes:
    """The ledger as it is kept. Addresses are spelt out: one of IPv6 is no number that JSON has."""
    ip_version = ledger.ip_version

    def spelt(address: int) -> str:
        return text(address, ip_version)

    def pairs(ranges: Ranges) -> list[list[str]]:
        return [[spelt(start), spelt(end)] for start, end in ranges]

    fields = {
        "subnet": ledger.subnet,
        "epoch": ledger.epoch,
        "version": ledger.version,
        "cidr": ledger.cidr,
        "gateway": None if ledger.gateway is None else spelt(ledger.gateway),
        "pools": pairs(ledger.pools),
        "shared": pairs(ledger.shared),
        "leases": [
            [spelt(e.start), spelt(e.end), e.site, e.since, e.releasing, e.to]
            for e in ledger.leases
        ],
        "claims": [[spelt(e.address), e.site, e.since] for e in ledger.claims],
        "members": [asdict(each) for each in ledger.members],
        "moves": [[spelt(e.address), e.site, e.since] for e in ledger.moves],
    }
    return json.dumps(fields, separators=(",", ":")).encode()


def loaded(content: bytes) -> Ledger:
    """A ledger as it was kept. Raises ValueError, KeyError, TypeError."""
    fields = json.loads(content)

    def ranges(pairs: Sequence[Sequence[str]]) -> Ranges:
        return tuple((number(start), number(end)) for start, end in pairs)

    return Ledger(
        subnet=fields["subnet"],
        epoch=fields["epoch"],
        version=fields["version"],
        cidr=fields["cidr"],
        gateway=None if fields["gateway"] is None else number(fields["gateway"]),
        pools=ranges(fields["pools"]),
        shared=ranges(fields["shared"]),
        leases=tuple(
            Lease(number(start), number(end), *rest) for start, end, *rest in fields["leases"]
        ),
        claims=tuple(Claim(number(address), *rest) for address, *rest in fields["claims"]),
        members=tuple(
            Member(**{**each, "asked": tuple(each["asked"])}) for each in fields["members"]
        ),
        # One that was written by an earlier release has none.
        moves=tuple(Move(number(address), *rest) for address, *rest in fields.get("moves", ())),
    )


def renamed(content: bytes, new: Callable[[str], str]) -> bytes:
    """A ledger as it is kept, with other names for its sites."""
    fields = json.loads(content)
    for lease in fields["leases"]:
        lease[2], lease[5] = new(lease[2]), new(lease[5])
    for claim in (*fields["claims"], *fields.get("moves", ())):
        claim[1] = new(claim[1])
    for member in fields["members"]:
        member["site"], member["asked"] = new(member["site"]), list(map(new, member["asked"]))
    return json.dumps(fields, separators=(",", ":")).encode()
