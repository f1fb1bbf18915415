"""The catalogue that clients see: one region, one endpoint per service and interface, all of them ours.

Home's own catalogue knows only home. Clients get this one instead, wherever Keystone shows a
catalogue: in tokens, at ``/v3/auth/catalog``, and for administrators at ``/v3/services``,
``/v3/endpoints`` and ``/v3/regions``. Pure: what is declared goes in, JSON comes out.

Several regions or endpoints break gophercloud and fog, and a type under a name that a client does
not know is no service to it; so there is one region, and each service stands there once under its
official type and once under each of its aliases.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from os_service_types import ServiceTypes

from adapters.spec import Service

Json = dict[str, Any]

_INTERFACES = ("public", "internal", "admin")
_PROJECT = "$(project_id)s"

_ROOT_IN_CATALOGUE = frozenset({"network", "image", "dns", "load-balancer", "key-manager"})
"""Types whose catalogue URL is the root without version: gophercloud appends the version itself."""

_TYPES = ServiceTypes()
_NUMBERED = re.compile(r"[a-z-]+(v\d+)")


@dataclass(frozen=True, slots=True)
class _Entry:
    id: str
    type: str
    name: str
    url: str
    """With Keystone's own mark where the project's ID belongs."""


class Catalog:
    """What the federation offers, in the words of Keystone v3."""

    def __init__(self, public_url: str, region: str, services: Iterable[Service]) -> None:
        self._base = public_url.rstrip("/")
        self._region = region
        # The version stands in the URL of identity: without it scripts that append "/projects"
        # fail, and with it nobody does.
        self._entries = [self._entry("identity", "keystone", f"{self._base}/identity/v3")]
        for service in services:
            url = self._base + service.prefix
            if service.type not in _ROOT_IN_CATALOGUE:
                url += service.version
            if service.project_in_path:
                url += f"/{_PROJECT}"
            for type_ in (service.type, *service.aliases):
                self._entries.append(self._entry(type_, _name(service.type, type_), url))

    def entries(self, project_id: str | None) -> list[Json]:
        """The catalogue as it stands in a token of this project.

        Without a project (a token of a domain or the system) a service that has the project's ID in
        its path has no endpoints, as in Keystone.
        """
        return [
            {
                "endpoints": [
                    {
                        "id": self._endpoint_id(entry, interface),
                        "interface": interface,
                        "region_id": self._region,
                        "url": entry.url.replace(_PROJECT, project_id or ""),
                        "region": self._region,
                    }
                    for interface in _INTERFACES
                    if project_id or _PROJECT not in entry.url
                ],
                "id": entry.id,
                "type": entry.type,
                "name": entry.name,
            }
            for entry in self._entries
        ]

    def rewrite_token_body(self, body: Json) -> Json:
        """The body of a token with our catalogue where it has one, and without service providers.

        The service providers are the sites' own login URLs; a client could only go round us there.
        """
        token = body.get("token")
        if not isinstance(token, dict):
            return body
        token = {key: value for key, value in token.items() if key != "service_providers"}
        if "catalog" in token:
            token["catalog"] = self.entries((token.get("project") or {}).get("id"))
        return body | {"token": token}

    def rewrite_catalog_body(self, body: Json, project_id: str | None) -> Json:
        """The body of ``/v3/auth/catalog``, which does not say for which project it is."""
        return body | {"catalog": self.entries(project_id)}

    def find(self, kind: str, query: Mapping[str, str], url: str) -> Json:
        """The body of ``/v3/services``, ``/v3/endpoints`` or ``/v3/regions``; `url` is its own."""
        items = [item for item in self._all(kind) if _matches(item, query)]
        return {kind: items, "links": {"next": None, "self": url, "previous": None}}

    def show(self, kind: str, item_id: str) -> Json | None:
        """The body of one service, endpoint or region; None if there is none of this ID."""
        for item in self._all(kind):
            if item["id"] == item_id:
                return {kind[:-1]: item}
        return None

    def _all(self, kind: str) -> list[Json]:
        makers: Mapping[str, Callable[[], list[Json]]] = {
            "services": self._services,
            "endpoints": self._endpoints,
            "regions": self._regions,
        }
        return [item | {"links": {"self": self._link(kind, item)}} for item in makers[kind]()]

    def _services(self) -> list[Json]:
        return [
            {"name": entry.name, "id": entry.id, "type": entry.type, "enabled": True}
            for entry in self._entries
        ]

    def _endpoints(self) -> list[Json]:
        return [
            {
                "id": self._endpoint_id(entry, interface),
                "interface": interface,
                "region_id": self._region,
                "service_id": entry.id,
                "url": entry.url,
                "enabled": True,
                "region": self._region,
            }
            for entry in self._entries
            for interface in _INTERFACES
        ]

    def _regions(self) -> list[Json]:
        return [{"id": self._region, "description": "", "parent_region_id": None}]

    def _link(self, kind: str, item: Json) -> str:
        return f"{self._base}/identity/v3/{kind}/{item['id']}"

    def _entry(self, type_: str, name: str, url: str) -> _Entry:
        return _Entry(uuid5(NAMESPACE_URL, f"{self._base}#{type_}").hex, type_, name, url)

    def _endpoint_id(self, entry: _Entry, interface: str) -> str:
        return uuid5(NAMESPACE_URL, f"{self._base}#{entry.type}#{interface}").hex


def _name(official: str, type_: str) -> str:
    """The service's name as installers choose it: libcloud looks for "cinderv3", not for "volumev3"."""
    name = _TYPES.get_project_name(official) or official
    numbered = _NUMBERED.fullmatch(type_)
    return name + numbered[1] if numbered else name


def _matches(item: Json, query: Mapping[str, str]) -> bool:
    """Keystone's filters are equalities; parameters that name no field are none."""
    return all(
        str(item[key]).lower() == value.lower()
        if isinstance(item[key], bool)
        else item[key] == value
        for key, value in query.items()
        if key in item
    )
