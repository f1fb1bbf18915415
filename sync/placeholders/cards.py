"""What a daemon tells the others of the ports of its site: as much as makes a placeholder. Pure.

Its word is a table, global ID of a network -> the ports on it. Of a network that is not in it, or of a site
without a word, nothing is known; which is not to say that there are no ports.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any

NAME = "ports"
"""Under this name a daemon publishes its word."""

Word = Mapping[str, Sequence["Card"]]


@dataclass(frozen=True, slots=True, order=True)
class Card:
    """One port of a site, in global IDs."""

    port: str
    mac: str
    addresses: tuple[tuple[str, str], ...]
    """(subnet, address)."""
    groups: tuple[str, ...]
    up: bool
    pairs: tuple[tuple[str, str], ...] = ()
    """Further (address, MAC) with which it may send."""


def card_of(port: Mapping[str, Any]) -> Card | None:
    """The card of a port in global IDs; None if nothing has to stand for it elsewhere.

    Neutron's own ports (DHCP, routers) belong to their site, and a port without an address is in nobody's way.
    """
    addresses = _addresses(port.get("fixed_ips"))
    if str(port.get("device_owner") or "").startswith("network:") or not addresses:
        return None
    return Card(
        str(port["id"]),
        str(port["mac_address"]).lower(),
        addresses,
        tuple(sorted(map(str, port.get("security_groups") or ()))),
        bool(port.get("admin_state_up", True)),
        pairs_of(port),
    )


def pairs_of(port: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The `allowed_address_pairs` of a port."""
    return tuple(
        sorted(
            (str(each.get("ip_address")), str(each.get("mac_address") or "").lower())
            for each in port.get("allowed_address_pairs") or ()
        )
    )


def _addresses(fixed_ips: Any) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((str(e["subnet_id"]), str(e["ip_address"])) for e in fixed_ips or ()))


def dumped(word: Word) -> bytes:
    """A word as bytes: the same ones for the same word, so that it is seen whether it is news."""
    table = {network: [astuple(card) for card in sorted(cards)] for network, cards in word.items()}
    return json.dumps(table, sort_keys=True, separators=(",", ":")).encode()


def loaded(raw: bytes) -> dict[str, list[Card]]:
    """The word in these bytes. One of another release, which cannot be read, tells nothing."""
    try:
        return {
            str(network): [_card(*fields) for fields in cards]
            for network, cards in json.loads(raw).items()
        }
    except (ValueError, TypeError, AttributeError):
        return {}


def _card(port: str, mac: str, addresses: Any, groups: Any, up: bool, pairs: Any) -> Card:
    pairs_, addresses_ = ([(str(a), str(b)) for a, b in each] for each in (pairs, addresses))
    return Card(str(port), str(mac), tuple(addresses_), tuple(groups), bool(up), tuple(pairs_))
