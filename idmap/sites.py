"""The sites as the ID map knows them: what keeps their IDs apart."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from idmap.ids import SITE_NUMBERS, site_namespace, site_number


@dataclass(frozen=True, slots=True)
class SiteKey:
    """One site. Its namespace and number are in every ID it ever had: they survive a new name."""

    name: str
    namespace: UUID
    number: int

    def __post_init__(self) -> None:
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
