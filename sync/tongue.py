"""A site's objects in global IDs, and back, for what keeps them alike. Pure, but for the pins it is given."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.names import Inward, Outward
from adapters.names import Site as SiteNames
from adapters.registry import all_services, id_rules
from adapters.spec import PROJECT, USER, ZONE, Resource
from adapters.translate import ids_in, rewrite, shape
from idmap.pins import PinTable

_NETWORK = all_services()["network"]
_ELSEWHERE = frozenset({PROJECT, USER, ZONE})


class Untranslatable(Exception):
    """Something that is not at the site (yet)."""


@dataclass(frozen=True, slots=True)
class Tongue:
    """One site's way to call things."""

    site: SiteNames

    def outward(
        self, resource: Resource, item: Mapping[str, Any], pins: PinTable
    ) -> dict[str, Any]:
        """An object of the site in global IDs."""
        out = Outward(self.site, pins, ids=id_rules())
        return dict(rewrite(shape(_NETWORK, resource), item, out.change))

    def inward(
        self, resource: Resource, fields: Mapping[str, Any], pins: PinTable
    ) -> dict[str, Any]:
        """Fields in the site's own IDs. Raises Untranslatable if something that they refer to is not there."""
        form = shape(_NETWORK, resource)
        table: dict[str, str] = {}
        for kind, value in ids_in(form, fields, request=True):
            text = str(value)
            local = (pins.places(kind, text) or {}).get(self.site.name)
            if local is None and kind != ZONE:
                what = "the project" if kind in _ELSEWHERE else kind.replace("_", " ")
                raise Untranslatable(f"{what} {text} is not at {self.site.name}")
            if local is not None:
                table[text] = local
        inward = Inward(self.site, table, ids=id_rules())
        return dict(rewrite(form, fields, inward.change, request=True))
