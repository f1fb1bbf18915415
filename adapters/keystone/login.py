"""The gateway's own account at a Keystone, with a token that is renewed."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from keystoneauth1 import access, exceptions, loading
from keystoneauth1.identity.base import BaseIdentityPlugin

from adapters.endpoints import endpoints, service_root
from adapters.errors import SiteUnreachable
from adapters.keystone.conversation import Answer, Conversation, json_of, why
from adapters.sites import Site


class Myself(NamedTuple):
    """The gateway's own account, as its token says."""

    user_id: str
    project_id: str
    """Empty, as what follows of the project, if its login is not scoped to a project."""
    project_name: str
    project_domain_id: str
    project_domain_name: str
    roles: Mapping[str, str]
    """Name -> ID."""


class Login:
    """The gateway's own account at one Keystone. May be used by several threads."""

    def __init__(self, site: Site, seconds: float) -> None:
        self._site = site
        self._session = Conversation(site, seconds)
        self._plugin: BaseIdentityPlugin | None = None

    def request(
        self, method: str, service_type: str, path: str, body: object, headers: Mapping[str, str]
    ) -> Answer:
        """One call; with a new token and once more if the token is refused. Raises SiteUnreachable."""
        url = self.endpoints().get(service_type)
        if url is None:
            region = self._site.region_name or "any"
            reason = f"no {service_type} in its catalogue (region {region})"
            raise SiteUnreachable(self._site.name, reason)
        if "{project_id}" in path:
            path = path.replace("{project_id}", self.project_id())
        try:
            response = self._session.request(
                service_root(url) + path,
                method,
                json=body,
                auth=self._plugin,
                headers={"Accept": "application/json", **headers},
                raise_exc=False,
                once=method not in ("GET", "HEAD"),
            )
        except exceptions.ClientException as error:
            raise SiteUnreachable(self._site.name, why(error)) from None
        return Answer(response.status_code, json_of(response))

    def project_id(self) -> str:
        """The account's own project. Raises SiteUnreachable."""
        return self._access().project_id or ""

    def myself(self) -> Myself:
        """Who the account is at this Keystone. Raises SiteUnreachable."""
        said = self._access()
        return Myself(
            user_id=said.user_id or "",
            project_id=said.project_id or "",
            project_name=said.project_name or "",
            project_domain_id=said.project_domain_id or "",
            project_domain_name=said.project_domain_name or "",
            roles=dict(zip(said.role_names or (), said.role_ids or (), strict=True)),
        )

    def endpoints(self) -> dict[str, str]:
        """Service type -> URL, as this account's catalogue has them. Raises SiteUnreachable."""
        account = self._access()
        catalog = account.service_catalog.catalog if account.has_service_catalog() else []
        return endpoints(catalog, self._site, account.project_id or "")

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _access(self) -> access.AccessInfo:
        try:
            if self._plugin is None:
                self._plugin = self._make_plugin()
            return self._plugin.get_access(self._session)
        except exceptions.ClientException as error:
            reason = f"the gateway's account cannot log in: {why(error)}"
            raise SiteUnreachable(self._site.name, reason) from None

    def _make_plugin(self) -> BaseIdentityPlugin:
        loader: loading.BaseLoader[Any] = loading.get_plugin_loader(self._site.auth_type)
        known = {option.dest for option in loader.get_options()}
        options = {key: value for key, value in self._site.auth.items() if key in known}
        plugin = loader.load_from_options(**options)
        if not isinstance(plugin, BaseIdentityPlugin):
            reason = f"auth_type {self._site.auth_type} is no login at a Keystone"
            raise SiteUnreachable(self._site.name, reason)
        return plugin
