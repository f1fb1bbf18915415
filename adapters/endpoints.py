"""Where the services of a site are, out of the catalogue in one of its tokens. Pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from os_service_types import ServiceTypes

from adapters.sites import Site

_TYPES = ServiceTypes()

_VERSION = re.compile(r"/v\d+(\.\d+)?(/[^/]*)?$")


def endpoints(catalog: Iterable[Mapping[str, Any]], site: Site, project_id: str) -> dict[str, str]:
    """Service type -> URL, for the site's interface and region; the overrides in clouds.yaml win.

    A service is found under every type the catalogue has for it and under its official type
    (``block-storage`` where the catalogue says ``volumev3``).
    """
    found: dict[str, str] = {}
    for service in catalog:
        url = _endpoint(service.get("endpoints") or (), site)
        if url is not None:
            found.setdefault(service["type"], url)
    for spelt in tuple(found):
        official = _TYPES.get_service_type(spelt)
        if official and official not in found:
            # Aliases are listed best first: volumev3 before volumev2.
            best = next((a for a in _TYPES.get_all_types(official) if a in found), spelt)
            found[official] = found[best]
    for official, template in site.overrides.items():
        url = template % {"project_id": project_id, "tenant_id": project_id}
        for spelt in {official, *_TYPES.get_all_types(official)} & {official, *found}:
            found[spelt] = url
    return found


def service_root(url: str) -> str:
    """The URL without version and project at its end: what stands above all versions.

    ``http://site/volume/v3/PROJECT`` -> ``http://site/volume``; releases and installers disagree on
    whether ``/v2.0`` is part of Neutron's endpoint.
    """
    return _VERSION.sub("", url.rstrip("/"))


def _endpoint(candidates: Iterable[Mapping[str, Any]], site: Site) -> str | None:
    for endpoint in candidates:
        region = endpoint.get("region_id") or endpoint.get("region")
        if endpoint["interface"] == site.interface and site.region_name in (None, region):
            return str(endpoint["url"]).rstrip("/")
    return None
