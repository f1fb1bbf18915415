"""One site's IDs, zones and names in those of the federation, and back. Pure.

`Outward` and `Inward` give the `Change` that bodies, queries and paths are rewritten with. None, empty
text and what does not look like an ID of its kind always stay as they are.
"""

import re
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from adapters.links import rewrite_relative
from adapters.spec import LINK, PROJECT, USER, ZONE, Ids
from idmap.ids import canonical, computed, global_number, global_uuid, is_uuid, split_number

PLAIN_ZONE = "nova"
"""The zone that services use where nobody configured one. Clients that ask for it by name (Terraform
files do) mean the default zone."""

_DIGITS = re.compile(r"[0-9]{1,18}")
_SHADOW_USER = re.compile(r"[0-9a-f]{64}")
"""The IDs that Keystone gives to users of other identity sources."""


@dataclass(frozen=True, slots=True)
class Site:
    """What the names of a site depend on."""

    name: str
    namespace: UUID
    number: int
    default_zone: str = PLAIN_ZONE


class Pins(Protocol):
    """The IDs that are not computed (`idmap.pins`)."""

    def global_of(self, kind: str | None, site: str, local_id: str, /) -> str | None:
        """The global ID pinned to a local one; None: compute it. The kind counts for names only."""
        ...

    def global_of_uuid(self, site: str, local_uuid: str, /) -> str | None:
        """The same of a UUID in its canonical spelling, of whatever kind."""
        ...


class Outward:
    """A site's names in those of the federation."""

    def __init__(
        self,
        site: Site,
        pins: Pins,
        *,
        ids: Mapping[str, Ids],
        own: Mapping[str, str] | None = None,
        link: Callable[[str], str] | None = None,
    ) -> None:
        """`own`: the caller's user and project at the site -> at home. `link` rewrites URLs."""
        self.site = site
        self.seen: set[str] = set()
        """Local IDs whose global form was computed: the map has to know the way back."""
        self._pins = pins
        self._ids = ids
        self._own = own or {}
        self._link = link
        self._known: dict[tuple[str, Any], Any] = {}

    def change(self, kind: str, value: Any) -> Any:
        """The global form of one ID."""
        new = self._known.get((kind, value))
        if new is None:
            new = self._known[kind, value] = self._changed(kind, value)
        return new

    def _changed(self, kind: str, value: Any) -> Any:
        if kind == LINK:
            return self._changed_link(value)
        if kind in (PROJECT, USER):
            return self._changed_owner(kind, value)
        if kind == ZONE:
            return self._changed_zone(value) if isinstance(value, str) else value
        rule = self._ids.get(kind, Ids.UUID)
        if rule is Ids.NAME:
            return value
        if value.__class__ is int:
            return global_number(self.site.number, value) if rule is Ids.NUMBER else value
        if is_uuid(value):
            return self._changed_uuid(value)
        if rule is Ids.NUMBER and (number := _number(value)) is not None:
            return str(global_number(self.site.number, number))
        if rule is Ids.CHOSEN and value:
            return self._pins.global_of(kind, self.site.name, value) or value
        return value

    def _changed_uuid(self, value: str) -> str:
        # Also of what is pinned: the ID it had before stays valid.
        self.seen.add(value)
        uuid = canonical(value)
        return self._pins.global_of_uuid(self.site.name, uuid) or computed(
            self.site.namespace, uuid
        )

    def _changed_owner(self, kind: str, value: str) -> str:
        """Keystone writes these without hyphens, and so do we."""
        if value in self._own:
            return self._own[value]
        pinned = self._pins.global_of(kind, self.site.name, value)
        if pinned is not None:
            return pinned
        if not is_uuid(value) and not (kind == USER and _SHADOW_USER.fullmatch(value)):
            return value
        self.seen.add(value)
        return global_uuid(self.site.namespace, value).replace("-", "")

    def _changed_zone(self, value: str) -> str:
        zone, colon, rest = value.partition(":")
        if not zone:
            return value
        site = self.site
        shown = site.name if zone == site.default_zone else f"{site.name}.{zone}"
        return f"{shown}{colon}{rest}"

    def _changed_link(self, value: str) -> str:
        if value.startswith("/"):
            return rewrite_relative(value, self.change)
        return self._link(value) if self._link else value


class Inward:
    """The federation's names in those of one site."""

    def __init__(self, site: Site, local: Mapping[str, str], *, ids: Mapping[str, Ids]) -> None:
        """`local`: global ID as the client spelt it -> local ID, as far as they live at the site."""
        self.site = site
        self._local = local
        self._ids = ids

    def change(self, kind: str, value: Any) -> Any:
        """The local form of one ID; one that is not known here stays, and the site complains."""
        if kind == LINK:
            return value
        if kind == ZONE:
            return self._changed_zone(value) if isinstance(value, str) else value
        rule = self._ids.get(kind, Ids.UUID)
        if rule is Ids.NAME:
            return value
        if rule is Ids.NUMBER and (number := _number(value)) is not None:
            number_of_site, local = split_number(number)
            if number_of_site != self.site.number:
                return value
            return local if value.__class__ is int else str(local)
        text = str(value)
        if text in self._local:
            return self._local[text]
        if rule is Ids.CHOSEN and text.endswith("@" + self.site.name):
            return text.removesuffix("@" + self.site.name)
        return value

    def _changed_zone(self, value: str) -> str:
        zone, colon, rest = value.partition(":")
        site = self.site
        if zone in (site.name, PLAIN_ZONE):
            return f"{site.default_zone}{colon}{rest}"
        if zone.startswith(site.name + "."):
            return f"{zone.removeprefix(site.name + '.')}{colon}{rest}"
        return value


def stated_site(kind: str, value: str | int, sites: Iterable[Site]) -> Site | None:
    """The site that a zone, a number or ``name@site`` names itself; None if it names none."""
    if kind == ZONE:
        zone = str(value).partition(":")[0]
        exact = [site for site in sites if zone == site.name or zone.startswith(site.name + ".")]
        # Of "tokyo" and "tokyo.east", "tokyo.east.az2" is the latter's.
        return max(exact, key=lambda site: len(site.name), default=None)
    if (number := _number(value)) is not None:
        number_of_site, _ = split_number(number)
        return next((site for site in sites if site.number == number_of_site), None)
    known = {site.name: site for site in sites}
    stated = stated_name(str(value), known)
    return known[stated[1]] if stated is not None else None


def stated_name(value: str, sites: Container[str]) -> tuple[str, str] | None:
    """(name, site) of ``name@site``, if there is such a site; None of any other text."""
    name, _, site = value.rpartition("@")
    return (name, site) if name and site in sites else None


def _number(value: object) -> int | None:
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and _DIGITS.fullmatch(value) else None
