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

Only one thing is remembered between rounds, and it may be lost: since when things look as they do (`Patience`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Protocol
from urllib.parse import quote

from idmap.ledgers import LedgerStore
from sync.ipam.balance import balanced
from sync.ipam.form import pools_of, ranges_of
from sync.ipam.ledger import Ledger, wanted_pools
from sync.ipam.observed import Observation, observed
from sync.ipam.ranges import Ranges, common, joined, minus, number, singles
from sync.ledgers import change, read

GRACE = 30.0
"""Seconds for which the pools must have been without a range before its ports are read for the last time.
Longer than any creation of ports takes: Neutron chooses the addresses of a bulk first and writes its ports
afterwards, and a hundred took 20 s at a busy site."""

CLAIM = 600.0
"""Seconds until a claim is over that no port came of. Far longer than any gateway waits for a site."""

FENCE = "federator-pools"
"""Tag at a site's subnet: ``federator-pools:<epoch of the ledger>:<version>``."""

PLACEHOLDERS = ("federation:remote", "network:federation_remote")
"""The `device_owner` of ports that hold addresses of other sites, if they are the gateway's own."""

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


class Patience:
    """Since when this process sees things as they are, by a clock that never jumps. Losing it costs time
    only."""

    def __init__(
        self,
        grace: float = GRACE,
        claim: float = CLAIM,
        *,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.grace = grace
        self._claim = claim
        self._clock = clock
        self._since: dict[tuple[str, str], _Since] = {}

    def look(
        self, ledger: Ledger, site: str, pools: Ranges, fence: int
    ) -> tuple[int, int, bool, float]:
        """What was just seen of a site: versions `settled` and `lapsed` of an observation made now, whether
        it is time to ask others again, and in how many seconds something settles if nothing changes."""
        since, now = self._of(ledger, site), self._clock()
        if fence:
            fenced = [e.range for e in ledger.leases if _releases(e, site) and e.since <= fence]
            if common(pools, joined(fenced)):
                # Somebody else has put them back: it begins anew.
                since.fences.clear()
            else:
                since.fences.setdefault(fence, now)
        settled = _latest(since.fences, now - self.grace)
        if any(each.site == site for each in ledger.claims):
            since.versions.setdefault(ledger.version, now)
        lapsed = _latest(since.versions, now - self._claim)
        again = False
        member = ledger.member(site)
        if member and member.wants:
            again = now - since.asked.setdefault(member.asked, now) > 2 * self.grace
            if len(since.asked) > 1:
                since.asked = {member.asked: now}
        else:
            since.asked.clear()
        waiting = [when for version, when in since.fences.items() if version > settled]
        return settled, lapsed, again, max(0.0, min(waiting, default=now) + self.grace - now)

    def _of(self, ledger: Ledger, site: str) -> "_Since":
        known = self._since.get((ledger.subnet, site))
        if known is None or known.epoch != ledger.epoch:
            known = self._since[ledger.subnet, site] = _Since(ledger.epoch)
        return known

    def forget(self, subnet: str) -> None:
        """The subnet is gone."""
        for key in [key for key in self._since if key[0] == subnet]:
            del self._since[key]


@dataclass(slots=True)
class _Since:
    """By the clock of this process."""

    epoch: str
    fences: dict[int, float] = field(default_factory=dict)
    """Version of a fence -> since when the pools are right behind it."""
    versions: dict[int, float] = field(default_factory=dict)
    asked: dict[tuple[str, ...], float] = field(default_factory=dict)


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
    body = await _subnet(cloud, path)
    ledger = await read(ledgers, subnet)
    if ledger is None or ledger.member(site) is None or from_macs(body):
        return Round()
    pools, fence = ranges_of(body["allocation_pools"]), _fence(body, ledger)
    settled, lapsed, again, _ = patience.look(ledger, site, pools, fence)
    used, count = await _used(cloud, local_id, account)
    if _lets_go(ledger, site, settled):
        await _counts(cloud, body, local_id, count)
    seen = Observation(site, ledger.epoch, ledger.version, pools, used, settled, lapsed)

    def decide(now: Ledger) -> Ledger:
        return balanced(observed(now, seen), site, used, again=again)

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
        body = await _subnet(cloud, path)
        pools, fence = ranges_of(body["allocation_pools"]), _fence(body, ledger)
    *_, rest = patience.look(ledger, site, pools, fence)
    waits = _unfenced(ledger, site, used, 0)
    member = ledger.member(site)
    wants = 2 * patience.grace if member and member.wants else None
    return Round(rest if waits else wants, wake, conflicts)


async def _subnet(cloud: Site, path: str) -> Mapping[str, Any]:
    status, body = await cloud.request("GET", path)
    if status != 200:
        raise Unread(f"GET {path} answers {status}")
    found: Mapping[str, Any] = body["subnet"]
    return found


async def _used(cloud: Site, local_id: str, account: str) -> tuple[Ranges, int]:
    """The addresses of the subnet's ports but for placeholders, and how many there are with them."""
    words = f"/v2.0/ports?fixed_ips=subnet_id%3D{local_id}&limit={_PAGE}" + "".join(
        f"&fields={name}" for name in ("id", "fixed_ips", "device_owner", "project_id")
    )
    used: list[int] = []
    count, marker = 0, ""
    while True:
        status, body = await cloud.request("GET", words + marker)
        if status != 200:
            raise Unread(f"GET /v2.0/ports answers {status}")
        for port in body["ports"]:
            ours = port["device_owner"] in PLACEHOLDERS and port["project_id"] == account
            for each in port["fixed_ips"]:
                if each["subnet_id"] == local_id:
                    count += 1
                    if not ours:
                        used.append(number(each["ip_address"]))
        # A site may give fewer than it is asked for: only the link tells whether there are more.
        if not any(link["rel"] == "next" for link in body.get("ports_links", ())):
            return singles(used), count
        marker = f"&marker={quote(body['ports'][-1]['id'], safe='')}"


async def _counts(cloud: Site, body: Mapping[str, Any], local_id: str, count: int) -> None:
    """Whether the ports that were listed are all. Whoever has lost a right gets a shorter list and no error."""
    status, answer = await cloud.request(
        "GET", f"/v2.0/network-ip-availabilities/{body['network_id']}"
    )
    if status != 200:
        raise Unread(f"GET /v2.0/network-ip-availabilities answers {status}")
    told = next(
        each["used_ips"]
        for each in answer["network_ip_availability"]["subnet_ip_availability"]
        if each["subnet_id"] == local_id
    )
    if told - count > max(1, told // _MISSING):
        raise Unread(
            f"of the {told} addresses in use at the subnet {local_id} only {count} are listed"
        )


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


def _releases(lease: Any, site: str) -> bool:
    return bool(lease.site == site and lease.releasing)


def _lets_go(ledger: Ledger, site: str, settled: int) -> bool:
    """Whether a list of ports now decides about something."""
    member = ledger.member(site)
    unread = member is not None and not member.read and member.since <= settled
    return unread or any(_releases(e, site) and e.since <= settled for e in ledger.leases)


def _unfenced(ledger: Ledger, site: str, used: Ranges, fence: int) -> bool:
    """Whether something is released that could be free, and what was released before this fence is not all."""
    member = ledger.member(site)
    if member is not None and not member.read and member.since > fence:
        return True
    kept = joined(used, ledger.claimed(by=site))
    return any(
        _releases(each, site) and each.since > fence and minus((each.range,), kept)
        for each in ledger.leases
    )


def _latest(times: dict[int, float], until: float) -> int:
    """The last of the versions seen up to then; those before it are forgotten."""
    last = max((version for version, when in times.items() if when <= until), default=0)
    for version in [each for each in times if each < last]:
        del times[version]
    return last


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
