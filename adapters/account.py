"""The gateway's own account at a site (or at home), for upkeep only.

It makes what a login needs (`adapters.provision`) and reads what a rebuild of the ID map needs. It
never answers a tenant: tenants' calls run with the tenant's own site token.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from adapters.keystone.conversation import Answer
from adapters.keystone.login import Login, Myself
from adapters.sites import Site

_THREADS = 4
"""Upkeep must not be what keeps a site busy."""


class Account:
    """Calls in the name of the gateway. Every HTTP status is an answer; only silence is an error."""

    def __init__(
        self,
        site: Site,
        *,
        timeout: float = 30.0,
        before: Callable[[str], None] = lambda site: None,
    ) -> None:
        """`before` is called with the site's name before anything is asked; what it raises ends the call."""
        self._site = site
        self._before = before
        self._login = Login(site, timeout)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix=f"account-{site.name}")

    @property
    def site(self) -> str:
        """The name of the site."""
        return self._site.name

    async def get(
        self,
        service_type: str,
        path: str,
        *,
        microversion: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """GET `path`. Raises SiteUnreachable, as all of these do.

        `path` is below the service's root and begins with the version:
        ``/v2.1/servers?all_tenants=1``. ``{project_id}`` in it stands for the account's own
        project.
        """
        return await self.request("GET", service_type, path, None, microversion, headers)

    async def post(
        self,
        service_type: str,
        path: str,
        json: object = None,
        *,
        microversion: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """POST `json` to `path`."""
        return await self.request("POST", service_type, path, json, microversion, headers)

    async def put(
        self,
        service_type: str,
        path: str,
        json: object = None,
        *,
        microversion: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """PUT `json` to `path`."""
        return await self.request("PUT", service_type, path, json, microversion, headers)

    async def patch(
        self,
        service_type: str,
        path: str,
        json: object = None,
        *,
        microversion: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """PATCH `path` by `json`."""
        return await self.request("PATCH", service_type, path, json, microversion, headers)

    async def delete(
        self,
        service_type: str,
        path: str,
        *,
        microversion: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """DELETE `path`."""
        return await self.request("DELETE", service_type, path, None, microversion, headers)

    async def request(
        self,
        method: str,
        service_type: str,
        path: str,
        json: object = None,
        microversion: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One call of any method. Raises SiteUnreachable."""
        self._before(self.site)
        sent = dict(headers or {})
        if microversion is not None:
            # The name of the block storage service in this header is older than its type.
            spelt = "volume" if service_type == "block-storage" else service_type
            sent["OpenStack-API-Version"] = f"{spelt} {microversion}"
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._threads, self._login.request, method, service_type, path, json, sent
        )

    async def project_id(self) -> str:
        """The account's own project. Raises SiteUnreachable."""
        self._before(self.site)
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, self._login.project_id
        )

    async def myself(self) -> Myself:
        """Who the account is there. Raises SiteUnreachable."""
        self._before(self.site)
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._login.myself)

    async def endpoints(self) -> dict[str, str]:
        """Service type -> URL at this site. Raises SiteUnreachable."""
        self._before(self.site)
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, self._login.endpoints
        )

    def close(self) -> None:
        """Stop. Calls that are under way end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._login.close()
