"""One site's part in the addresses of a subnet: its `allocation_pools` are kept as the ledger says.

`keep_pools` is one round at one site. It may be called at any time, by several processes at once, and be
cut off anywhere: it looks, writes what it saw and decided into the ledger, and puts the pools. The rules
that make this safe are in `sync.ipam`; here they are an order of calls:

    GET subnet              its pools, and the revision that the PUT is bound to; before the ledger is read
    read the ledger
    GET ports
    write the ledger        what was observed, what is taken, asked for and given
    PUT subnet              the pools, with If-Match, if they are others
    PUT tag, GET subnet     the fence, if something is released that has none yet

Only one thing is remembered between rounds, and it may be lost: since when things look as they do
(`sync.patience`).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote

from adapters.marks import PLACEHOLDER_FIELDS, is_placeholder
from idmap.ledgers import LedgerStore
from sync.ipam.balance import balanced
from sync.ipam.form import pools_of, ranges_of
from sync.ipam.ledger import Ledger, wanted_pools
from sync.ipam.observed import Observation, observed
from sync.ipam.ranges import Ranges, joined, minus, number, singles
from sync.ledgers import change, read
from sync.patience import Patience

FENCE = "federator-pools"
"""Tag at a site's subnet: ``federator-pools:<epoch of the ledger>:<version>``."""

FROM_MACS = ("slaac", "dhcpv6-stateless")
"""The `ipv6_address_mode` of subnets whose addresses are made of MACs: there is nothing to lease."""

_PAGE = 1000
_MISSING = 4
"""A list of ports that lacks more than the fourth part of what Neutron counts itself is none."""


class Site(Protocol):
    """A site's Neutron, by the gateway's own account."""

    async def request(
        self, method: str, path: str, json: object = None, *, revision: int | None = None
    ) -> tuple[int, Any]:
        """Status and body. `revision` goes along as ``If-Match: revision_number=...``."""
        ...


class Unread(Exception):
    """The site does not answer what it is asked, so nothing is known of it: the round has ended."""


@dataclass(frozen=True, slots=True)
class Round:
    """How a round ended."""

    again: float | None = None
    """In so many seconds there is something to do, even if nobody knocks."""
    wake: frozenset[str] = frozenset()
    """Sites that got something, or are asked for something."""
    conflicts: Mapping[str, Ranges] = field(default_factory=dict)
    """Addresses that another site has as well."""
    refused: str = ""
    """Why the site does not take the pools."""


def from_macs(subnet: Mapping[str, Any]) -> bool:
    """Whether a subnet's addresses are made of MACs. Such a one has no ledger: its anchor keeps its pools, from
    which only ports of routers get addresses, and the others have none."""
    return subnet.get("ipv6_address_mode") in FROM_MACS


async def keep_pools(
    cloud: Site,
    ledgers: LedgerStore,
    patience: Patience,
    subnet: str,
    site: str,
    local_id: str,
    *,
    account: str,
) -> Round:
    """One round for one subnet at one site. `account`: the project ID of the gateway's account there.

    Raises Unread, and whatever `cloud` raises where the site is silent.
    """
    path = f"/v2.0/subnets/{local_id}"
    body, pools = await _subnet(cloud, path)
    ledger = await read(ledgers, subnet)
    if ledger is None or ledger.member(site) is None or from_macs(body):
        return Round()
    fence = _fence(body, ledger)
    look = patience.look(ledger, site, pools, fence)
    used, count = await _used(cloud, local_id, account)
    seen = Observation(site, ledger.epoch, ledger.version, pools, used, look.settled, look.lapsed)
    if _sets_free(ledger, seen):
        await _counts(cloud, str(body.get("network_id")), local_id, count)

    def decide(now: Ledger) -> Ledger:
        return balanced(observed(now, seen), site, used, again=look.again)

    before, ledger = ledger, await change(ledgers, subnet, decide)
    if ledger is None or ledger.epoch != seen.epoch:
        return Round(again=0)
    wake, conflicts = _wake(before, ledger, site), _conflicts(ledger, site)
    wanted = wanted_pools(ledger, site, pools)
    if wanted != pools:
        put = {"subnet": {"allocation_pools": pools_of(wanted, ledger.ip_version)}}
        status, answer = await cloud.request("PUT", path, put, revision=body["revision_number"])
        if status == 412:
            return Round(0, wake, conflicts)
        if status != 200:
            return Round(None, wake, conflicts, refused=f"{status}: {answer}")
    if _unfenced(ledger, site, used, fence):
        await _put_fence(cloud, path, body, ledger)
        body, pools = await _subnet(cloud, path)
        fence = _fence(body, ledger)
    rest = patience.look(ledger, site, pools, fence).rest
    waits = _unfenced(ledger, site, used, 0)
    member = ledger.member(site)
    wants = 2 * patience.grace if member and (member.wants or member.hungry) else None
    return Round(rest if waits else wants, wake, conflicts)


async def _subnet(cloud: Site, path: str) -> tuple[Mapping[str, Any], Ranges]:
    """The subnet and its pools."""
    body = await _get(cloud, path)
    with _understood(path):
        subnet: Mapping[str, Any] = body["subnet"]
        if not isinstance(subnet["revision_number"], int):
            raise TypeError("the revision is no number")
        return subnet, ranges_of(subnet["allocation_pools"])


async def _used(cloud: Site, local_id: str, account: str) -> tuple[Ranges, int]:
    """The addresses of the subnet's ports but for placeholders, and how many there are with them."""
    path = f"/v2.0/ports?fixed_ips=subnet_id%3D{local_id}&limit={_PAGE}" + "".join(
        f"&fields={name}" for name in ("id", "fixed_ips", *PLACEHOLDER_FIELDS)
    )
    used: list[int] = []
    count, marker = 0, ""
    while True:
        body = await _get(cloud, path + marker)
        with _understood(path):
            for port in body["ports"]:
                ours = is_placeholder(port, account)
                for each in port["fixed_ips"]:
                    if each["subnet_id"] == local_id:
                        count += 1
                        if not ours:
                            used.append(number(each["ip_address"]))
            # A site may give fewer than it is asked for: only the link tells whether there are more.
            if not any(link["rel"] == "next" for link in body.get("ports_links", ())):
                return singles(used), count
            marker = f"&marker={quote(body['ports'][-1]['id'], safe='')}"


async def _counts(cloud: Site, network: str, local_id: str, count: int) -> None:
    """Whether the ports that were listed are all. Whoever has lost a right gets a shorter list and no error."""
    path = f"/v2.0/network-ip-availabilities/{network}"
    body = await _get(cloud, path)
    with _understood(path):
        subnets = body["network_ip_availability"]["subnet_ip_availability"]
        told = {each["subnet_id"]: int(each["used_ips"]) for each in subnets}[local_id]
    if told - count > max(1, told // _MISSING):
        raise Unread(
            f"of the {told} addresses in use at the subnet {local_id} only {count} are listed"
        )


async def _get(cloud: Site, path: str) -> Any:
    status, body = await cloud.request("GET", path)
    if status != 200:
        raise Unread(f"GET {path.partition('?')[0]} answers {status}")
    return body


@contextmanager
def _understood(path: str) -> Iterator[None]:
    """An answer that is not what it should be is none."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        what = f"{type(error).__name__}: {error}"
        raise Unread(f"GET {path.partition('?')[0]} is not understood: {what}") from error


async def _put_fence(cloud: Site, path: str, body: Mapping[str, Any], ledger: Ledger) -> None:
    name = f"{FENCE}:{ledger.epoch}:{ledger.version}"
    status, _ = await cloud.request("PUT", f"{path}/tags/{name}")
    if status not in (200, 201):
        raise Unread(f"PUT {path}/tags answers {status}")
    for old in body.get("tags") or ():
        if old.startswith(f"{FENCE}:") and old != name:
            await cloud.request("DELETE", f"{path}/tags/{old}")


def _fence(body: Mapping[str, Any], ledger: Ledger) -> int:
    """The latest version of this ledger that had been written when a fence was."""
    start = f"{FENCE}:{ledger.epoch}:"
    found = [
        int(tag.removeprefix(start))
        for tag in body.get("tags") or ()
        if tag.startswith(start) and tag.removeprefix(start).isdecimal()
    ]
    # A tenant may write tags, too: what is yet to come is none of ours.
    return max((each for each in found if each <= ledger.version), default=0)


def _sets_free(ledger: Ledger, seen: Observation) -> bool:
    """Whether it is decided by this list of ports that nobody uses something."""
    member = ledger.member(seen.site)
    unread = member is not None and not member.read and member.since <= seen.settled
    return (
        unread
        or any(
            each.since <= seen.settled and minus((each.range,), seen.used)
            for each in ledger.releases(seen.site)
        )
        or any(each.site == seen.site and each.since <= seen.lapsed for each in ledger.claims)
    )


def _unfenced(ledger: Ledger, site: str, used: Ranges, fence: int) -> bool:
    """Whether something is released that could be free, and what was released before this fence is not all."""
    member = ledger.member(site)
    if member is not None and not member.read and member.since > fence:
        return True
    kept = joined(used, ledger.claimed(by=site))
    return any(each.since > fence and minus((each.range,), kept) for each in ledger.releases(site))


def _wake(before: Ledger, after: Ledger, site: str) -> frozenset[str]:
    others = [each.site for each in after.members if each.site != site]
    got = {each for each in others if before.leased(each) != after.leased(each)}
    was, now = before.member(site), after.member(site)
    asked = set(now.asked if now else ()) - set(was.asked if was else ())
    # What comes back to the stock is for those who want something.
    back = after.stock() != before.stock()
    hope = {each.site for each in after.members if each.wants and back and each.site != site}
    return frozenset(got | asked | hope)


def _conflicts(ledger: Ledger, site: str) -> dict[str, Ranges]:
    found = {}
    for (one, other), both in ledger.conflicts().items():
        if site in (one, other):
            found[other if site == one else one] = both
    return found
