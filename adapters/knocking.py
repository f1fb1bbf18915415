"""Asking a site for anything at all: for its versions, and to see whether it is there. No token goes along."""

from collections.abc import Mapping

from multidict import CIMultiDict

from adapters.breakers import IDENTITY, Knock
from adapters.client import Pool, SiteClient
from adapters.endpoints import service_root
from adapters.errors import SiteUnreachable
from adapters.probe import Fetch
from adapters.sites import Site

_NOT_IT = frozenset({502, 503, 504})
"""A proxy whose service is away."""


def knocker(
    client: SiteClient, sites: Mapping[str, Site], endpoints: Mapping[str, Mapping[str, str]]
) -> Knock:
    """Whether a service of a site answers; `endpoints` is looked into at each call."""
    fetch = fetcher(client, sites, "knocks")

    async def knock(site: str, service: str) -> bool:
        known = {**endpoints[site], IDENTITY: sites[site].auth_url}
        if service not in known:
            raise SiteUnreachable(site, f"its catalogue has no {service} service")
        status, _ = await fetch(site, f"{service_root(known[service])}/")
        return status not in _NOT_IT

    return knock


def fetcher(client: SiteClient, sites: Mapping[str, Site], pool: Pool = "calls") -> Fetch:
    """GET of a URL at a site: status and body. Raises SiteUnreachable."""

    async def fetch(site: str, url: str) -> tuple[int, bytes]:
        headers = CIMultiDict({"Accept": "application/json"})
        verify = sites[site].verify
        async with client.request(site, "GET", url, headers, verify=verify, pool=pool) as response:
            return response.status, await response.read()

    return fetch
