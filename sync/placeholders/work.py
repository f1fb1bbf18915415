"""What has to be done at a site so that the right ports stand there for those of others. Pure.

Nothing is taken away on the word of nobody: of a site that has not told of its ports, or may have some and
could not be read, what stands for it stays. Nor is an address let go with which it keeps the site itself from
giving it out (`sync.ipam.moves`).
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.marks import is_placeholder, marks_of
from idmap.desired import Desired
from sync.placeholders.cards import Word, pairs_of
from sync.placeholders.wanted import DEVICE, Address, Land, Wanted

LISTED = (
    "id",
    "network_id",
    "mac_address",
    "fixed_ips",
    "security_groups",
    "admin_state_up",
    "allowed_address_pairs",
    "port_security_enabled",
    "device_id",
    "revision_number",
)
"""The fields that are looked at, beside those by which a placeholder is known."""


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One that stands at the site."""

    port: str
    """The global ID of the port that it stands for."""
    local: Mapping[str, Any]

    @property
    def local_id(self) -> str:
        return str(self.local["id"])

    @property
    def revision(self) -> int | None:
        """For ``If-Match``: it may have been made a server's own meanwhile."""
        number = self.local.get("revision_number")
        return number if isinstance(number, int) else None

    @property
    def addresses(self) -> set[Address]:
        """Those that it has."""
        fixed = self.local.get("fixed_ips") or ()
        return {(str(each["subnet_id"]), str(each["ip_address"])) for each in fixed}

    @property
    def site(self) -> str:
        """Whose port it says it stands for."""
        return str(self.local.get("device_id") or "").removeprefix(DEVICE)


Change = tuple[Placeholder, Wanted, Mapping[str, Any]]
"""With the fields as they are to be."""


@dataclass(frozen=True, slots=True)
class Work:
    """All of it, in the order in which it has to be done: what goes may be in the way of what comes."""

    remove: tuple[Placeholder, ...] = ()
    change: tuple[Change, ...] = ()
    make: tuple[Wanted, ...] = ()
    postponed: bool = False
    """There is more, for which something stands in the way that has to stay for a while."""

    def __bool__(self) -> bool:
        return bool(self.remove or self.change or self.make)

    @property
    def ports(self) -> set[str]:
        """The global IDs of the ports that it is about."""
        there = [*self.remove, *(each for each, _, _ in self.change)]
        return {each.port for each in there} | {each.port for each in self.make}

    def told(self, networks: Mapping[str, Desired]) -> list[str]:
        """For people, a line for each site and network. `networks` by local ID."""
        ids = {local: entry.global_id for local, entry in networks.items()}
        lines: Counter[tuple[str, str, str]] = Counter()
        lines.update(("create", each.site, each.network) for each in self.make)
        lines.update(("update", wanted.site, wanted.network) for _, wanted, _ in self.change)
        lines.update(("delete", p.site, ids[str(p.local["network_id"])]) for p in self.remove)
        return [
            f"{verb} {count} placeholders for ports of {site} on network {network}"
            for (verb, site, network), count in sorted(lines.items())
        ]


def ours(
    ports: Sequence[Mapping[str, Any]], account: str, federation: str
) -> tuple[list[Placeholder], list[Mapping[str, Any]]]:
    """The placeholders of this federation among a site's ports, and the ports that are none of anybody's."""
    there, real = [], []
    for port in sorted(ports, key=lambda each: str(each["id"])):
        marks = marks_of(port) if is_placeholder(port, account) else None
        if marks is None:
            real.append(port)
        elif marks.of == federation:
            there.append(Placeholder(marks.global_id, port))
    return there, real


def work(
    land: Land,
    words: Mapping[str, Word],
    there: Sequence[Placeholder],
    stays: Callable[[Placeholder, Address], bool] = lambda there, address: False,
) -> Work:
    """What makes of what stands there what has to. `stays`: whether one may not let go of an address yet."""
    networks = land.networks
    wanted = {(each.port, each.fields["network_id"]): each for each in land.wanted(words)}
    found: dict[tuple[str, str], Placeholder] = {}
    spare = []
    for each in there:
        key = each.port, str(each.local["network_id"])
        if key in wanted and key not in found:
            found[key] = each
        elif key in found or _may_go(land, networks[key[1]], each.site, words):
            spare.append(each)
    remove, left = [], set[Address]()
    for each in spare:
        network = str(each.local["network_id"])
        kept = _kept(each, stays) if land.spans(networks[network]) else set()
        if not kept:
            remove.append(each)
            continue
        same = (key for key in wanted if key not in found and key[1] == network)
        heir = next((key for key in same if kept <= wanted[key].addresses), None)
        if heir is None:
            left |= kept
        else:
            found[heir] = each
    change: list[Change] = []
    postponed = bool(left)
    for key, each in found.items():
        one = wanted[key].without(left)
        fields = _differences(one, each.local)
        if "fixed_ips" in fields and _kept(each, stays) - one.addresses:
            postponed = True
        elif fields or each.port != one.port:
            change.append((each, one, fields))
    make = [each.without(left) for key, each in wanted.items() if key not in found]
    ways = _in_the_way(change)
    for step in [step for step in change if step[0].local_id in ways and not _kept(step[0], stays)]:
        change.remove(step)
        remove.append(step[0])
        make.append(step[1])
    make = [each for each in make if each.fields["fixed_ips"]]
    return Work(tuple(remove), tuple(change), tuple(make), postponed)


def _in_the_way(changes: Sequence[Change]) -> set[str]:
    """The local IDs of those that have a MAC or an address which another one is to get.

    Two ports that have exchanged theirs would be in each other's way for ever. So such a one is made anew.
    """
    has: dict[Address, str] = {}
    gets: list[tuple[Address, str]] = []
    for there, wanted, fields in changes:
        network = str(there.local["network_id"])
        if "mac_address" in fields:
            has[network, str(there.local["mac_address"]).lower()] = there.local_id
            gets.append(((network, wanted.fields["mac_address"]), there.local_id))
        if "fixed_ips" in fields:
            has |= dict.fromkeys(there.addresses, there.local_id)
            gets += [(each, there.local_id) for each in wanted.addresses - there.addresses]
    return {has[what] for what, who in gets if has.get(what, who) != who}


def _kept(there: Placeholder, stays: Callable[[Placeholder, Address], bool]) -> set[Address]:
    return {each for each in there.addresses if stays(there, each)}


def _may_go(land: Land, entry: Desired, site: str, words: Mapping[str, Word]) -> bool:
    """Whether it is known that nothing has to stand on a network for a port of a site."""
    if not entry.deleted and (entry.quarantined or land.site in entry.unread):
        return False
    if not land.spans(entry) or site not in entry.sites:
        return entry.deleted or site not in entry.unread
    return entry.global_id in words.get(site, {})


def _differences(wanted: Wanted, local: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that are to be others."""
    fields = wanted.fields
    made = [each["subnet_id"] for each in fields["fixed_ips"] if "ip_address" not in each]
    pairs = fields.get("allowed_address_pairs", [])
    alike = {
        "mac_address": fields["mac_address"] == str(local.get("mac_address")).lower(),
        "fixed_ips": _addresses(fields["fixed_ips"], made) == _addresses(local["fixed_ips"], made),
        "security_groups": set(fields["security_groups"]) == set(local["security_groups"]),
        "admin_state_up": fields["admin_state_up"] == local["admin_state_up"],
        "device_id": fields["device_id"] == local["device_id"],
        "allowed_address_pairs": pairs_of({"allowed_address_pairs": pairs}) == pairs_of(local),
    }
    others = {name: fields.get(name, []) for name, same in alike.items() if not same}
    if (fields["security_groups"] or pairs) and local.get("port_security_enabled") is False:
        # It was made when it had neither, on a network where that is off unless it is said to be on.
        others["port_security_enabled"] = True
    return others


def _addresses(fixed_ips: Sequence[Any], made: Collection[str]) -> set[tuple[str, str]]:
    return {
        (str(each["subnet_id"]), "" if each["subnet_id"] in made else str(each["ip_address"]))
        for each in fixed_ips
    }
