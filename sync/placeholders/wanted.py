"""Which ports have to stand at a site for those of other sites, and how. Pure.

On a network that is routed, all. On one that is not, those whose security groups are named by rules: members
elsewhere have to count. A default group that nobody has changed is not among what is desired; its own rules
name it.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from idmap.desired import Desired
from sync.placeholders.cards import Card, Word
from sync.pools import from_macs

Address = tuple[str, str]
"""This site's ID of a subnet, and an address."""

Place = Callable[[str], str]
"""The local ID of a shared object at this site; empty if it has none here."""

DEVICE = "site/"
"""The `device_id` of a placeholder says whose port it stands for: ``site/tokyo``."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A placeholder as it has to be."""

    port: str
    """The global ID of the port that it stands for."""
    site: str
    network: str
    """The global ID."""
    fields: Mapping[str, Any]
    """In this site's own IDs, with the network's."""

    @property
    def addresses(self) -> set[Address]:
        """Those that Neutron is told."""
        fixed = self.fields["fixed_ips"]
        return {(e["subnet_id"], e["ip_address"]) for e in fixed if "ip_address" in e}

    def without(self, addresses: Collection[Address]) -> "Wanted":
        """As it can be while something else has these."""
        fixed = [
            each
            for each in self.fields["fixed_ips"]
            if (each["subnet_id"], each.get("ip_address")) not in addresses
        ]
        return replace(self, fields={**self.fields, "fixed_ips": fixed})


class Land:
    """What is desired, as far as ports are concerned, seen from one site."""

    def __init__(self, site: str, desired: Iterable[Desired], place: Place) -> None:
        self.site = site
        self._place = place
        kinds: dict[str, list[Desired]] = {}
        for entry in desired:
            kinds.setdefault(entry.kind, []).append(entry)
        networks = [(place(e.global_id), e) for e in kinds.get("network", ())]
        self.networks = {local: entry for local, entry in networks if local}
        """Local ID -> the networks of this site that are in our care."""
        self._subnets = {e.global_id: e for e in kinds.get("subnet", ()) if not e.deleted}
        self._routed = {
            str(entry.spec.get("network_id"))
            for entry in kinds.get("router_interface", ())
            if len(entry.sites) > 1 and not entry.deleted
        }
        self._groups = {e.global_id: e for e in kinds.get("security_group", ())}
        self._named = {
            str(rule.spec.get("remote_group_id"))
            for rule in kinds.get("security_group_rule", ())
            if not rule.deleted
        }

    @property
    def subnets(self) -> list[tuple[str, Desired]]:
        """The subnets, with their local IDs, of the networks on which ports of other sites have to stand."""
        networks = {each.global_id for each in self.networks.values() if self.spans(each)}
        return [
            (local, entry)
            for entry in self._subnets.values()
            if entry.spec.get("network_id") in networks and (local := self._place(entry.global_id))
        ]

    def network_of(self, subnet: str) -> str:
        """The local ID of the network of a subnet."""
        return self._place(str(self._subnets[subnet].spec["network_id"]))

    def spans(self, entry: Desired) -> bool:
        """Whether ports of other sites have to stand on a network of this site, as far as is known."""
        here = self.site in entry.sites and self.site not in entry.unread
        return here and len(entry.sites) > 1 and not entry.deleted and not entry.quarantined

    def wanted(self, words: Mapping[str, Word]) -> list[Wanted]:
        """All that has to stand here, in an order that is the same every time; `words` by site."""
        found: dict[str, Wanted] = {}
        for local, entry in sorted(self.networks.items()):
            if not self.spans(entry):
                continue
            for site in sorted(entry.sites - {self.site}):
                for card in words.get(site, {}).get(entry.global_id, ()):
                    if self._counts(entry, card) and card.port not in found:
                        fields = {"network_id": local, **self._fields(entry, card, site)}
                        found[card.port] = Wanted(card.port, site, entry.global_id, fields)
        return [each for each in found.values() if each.fields["fixed_ips"]]

    def _counts(self, entry: Desired, card: Card) -> bool:
        """Whether a port of another site makes a difference here."""
        return entry.global_id in self._routed or any(
            self._group(each) and (each in self._named or each not in self._groups)
            for each in card.groups
        )

    def _group(self, group: str) -> str:
        """The local ID of a group that is here and stays."""
        known = self._groups.get(group)
        return "" if known is not None and known.deleted else self._place(group)

    def _fields(self, entry: Desired, card: Card, site: str) -> dict[str, Any]:
        groups = sorted(filter(None, map(self._group, card.groups)))
        fields: dict[str, Any] = {
            "mac_address": card.mac,
            "fixed_ips": list(self._addresses(card)),
            "security_groups": groups,
            "admin_state_up": card.up,
            "device_id": DEVICE + site,
        }
        if card.pairs:
            names = "ip_address", "mac_address"
            pairs = [dict(zip(names, pair, strict=True)) for pair in card.pairs]
            fields["allowed_address_pairs"] = pairs
        if (groups or card.pairs) and entry.spec.get("port_security_enabled") is False:
            # Here it is off unless it is said to be on, and without it there are neither groups nor pairs.
            fields["port_security_enabled"] = True
        return fields

    def _addresses(self, card: Card) -> Iterable[dict[str, str]]:
        for subnet, address in card.addresses:
            if subnet in self._subnets and (local := self._place(subnet)):
                # Neutron makes it of the MAC, which is the same, and will not be told.
                made = from_macs(self._subnets[subnet].spec)
                yield {"subnet_id": local, **({} if made else {"ip_address": address})}
