"""The sites as the ID map knows them: what keeps their IDs apart."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Self
from uuid import UUID

from idmap.ids import SITE_NUMBERS, site_namespace, site_number
from idmap.store import Location, Pin

_MARK = "#"


@dataclass(frozen=True, slots=True)
class SiteKey:
    """One site. Its namespace and number are in every ID it ever had: they survive a new name."""

    name: str
    namespace: UUID
    number: int

    def __post_init__(self) -> None:
        if self.name.startswith(_MARK):
            raise ValueError(f"site {self.name!r}: a name must not begin with {_MARK}; rename it")
        if not 1 <= self.number < SITE_NUMBERS:
            raise ValueError(
                f"site {self.name!r}: number {self.number} is not between 1 and {SITE_NUMBERS - 1};"
                " state another `number:` for it under `federation:` in clouds.yaml"
            )

    @classmethod
    def of(cls, name: str, namespace: UUID | None = None, number: int | None = None) -> Self:
        """A site with what clouds.yaml states, and defaults made from the name for the rest."""
        namespace = namespace or site_namespace(name)
        return cls(name, namespace, site_number(namespace) if number is None else number)


class Numbering:
    """The names of sites as they are kept, ``#7``, and back. One that is not known stays as it is."""

    def __init__(self, sites: Iterable[SiteKey]) -> None:
        self._kept = {site.name: f"{_MARK}{site.number}" for site in sites}
        self._names = {kept: name for name, kept in self._kept.items()}

    def kept(self, name: str) -> str:
        """What is written for the site of this name."""
        return self._kept.get(name, name)

    def name(self, kept: str) -> str:
        """The name that the site has now for which this was written."""
        return self._names.get(kept, kept)


def numbered(pin: Pin, sites: Iterable[SiteKey]) -> Pin:
    """A pin as it is kept: sites are their numbers, ``#7``, which no new name changes.

    A site that is not among `sites` stays as it is, so that nothing of it gets lost on the way.
    """
    return _renamed(pin, {site.name: f"{_MARK}{site.number}" for site in sites}.get)


def named(pin: Pin, sites: Iterable[SiteKey]) -> Pin:
    """A pin that was kept, with the names that the sites have now."""
    return _renamed(pin, {f"{_MARK}{site.number}": site.name for site in sites}.get)


def _renamed(pin: Pin, new: Callable[[str, str], str]) -> Pin:
    places = {new(site, site): local for site, local in pin.places.items()}
    return replace(
        pin,
        places={site: places[site] for site in sorted(places)},
        aliases=frozenset(Location(new(a.site, a.site), a.local_id) for a in pin.aliases),
        anchor=new(pin.anchor, pin.anchor),
    )


def check_sites(sites: Iterable[SiteKey]) -> tuple[SiteKey, ...]:
    """The same sites, in the same order. Raises ValueError if IDs of two would be confused."""
    checked = tuple(sites)
    for attribute in ("name", "namespace", "number"):
        seen: dict[object, SiteKey] = {}
        for site in checked:
            value = getattr(site, attribute)
            if value in seen:
                raise ValueError(
                    f"sites {seen[value].name!r} and {site.name!r} have the same {attribute}"
                    f" {value}; state another `{attribute}:` for one of them"
                    " under `federation:` in clouds.yaml"
                )
            seen[value] = site
    return checked
