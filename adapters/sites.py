"""Which sites there are: entries of a standard ``clouds.yaml``, read by openstacksdk's own loader.

So whatever works for the ``openstack`` command works here: ``secure.yaml`` beside the file, vendor
profiles, ``cacert``, ``compute_endpoint_override``. What only the federation asks of a site stands
in the entry under ``federation``::

    clouds:
      tokyo:
        auth: {auth_url: ..., username: federator, ...}     # the gateway's own account there
        region_name: tokyo
        federation:
          number: 7
          projects: {acme/alpha: customers/acme-alpha}
"""

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from pkgutil import iter_modules
from typing import Annotated, Any
from uuid import UUID

import yaml
from openstack.config import OpenStackConfig
from os_service_types import ServiceTypes
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from adapters.errors import SettingsError
from idmap.ids import SITE_NUMBERS
from idmap.sites import SiteKey, check_sites

_STRATEGIES = Path(__file__).with_name("strategies")
_OVERRIDE = "_endpoint_override"
_TYPES = ServiceTypes()


class TokenExchange(BaseModel):
    """A token exchange (RFC 8693) at an OpenID Connect provider."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: str
    """The provider's token endpoint."""

    client_id: str
    """The gateway's own client there."""

    client_secret: SecretStr
    """Belongs into secure.yaml."""

    audience: str = ""
    """What the provider calls the site. Defaults to ``urn:site:<name of the site>``."""

    cacert: str | None = None
    """The file to check the provider's certificate by, if not the system's authorities."""


class Federation(BaseModel):
    """The ``federation`` mapping of a site's entry in clouds.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    strategy: str = "k2k"
    """How a login at home becomes a token of the site: the name of a file in adapters/strategies."""

    namespace: UUID | None = None
    """Goes into every global ID of the site. Defaults to one made from the site's name; state it
    before a site is renamed, and its IDs stay."""

    number: Annotated[int, Field(ge=1, lt=SITE_NUMBERS)] | None = None
    """The last three digits of global IDs that are numbers. Defaults to one made from `namespace`."""

    admin: bool = False
    """Whether the role admin at home is the role admin here."""

    service_provider: str = ""
    """The site's ID among home's service providers. Defaults to the site's name."""

    projects: Mapping[str, str] = {}
    """``home domain/home project`` -> ``site domain/site project``: projects that exist at the site
    and are not made by us."""

    physical_network: str = ""
    """What the site's Neutron calls the physical network on which VLANs come from the other sites. Empty: none
    do, and no network of the site can span others."""

    max_routes: Annotated[int, Field(ge=0)] = 30
    """How many routes a router may have at the site: `max_routes` of its Neutron, or the quota of its projects
    (2026.2)."""

    stretched_by_hand: bool = False
    """Whether the operator stretches networks himself, outside Neutron: then nothing is made for it there."""

    default_zone: str = "nova"
    """The availability zone that is shown under the site's own name."""

    group_domain: str = "federation"
    """The site's domain of the mapping's groups and users: that of the identity provider. With
    strategy mapped: the domain of the users that the gateway makes."""

    identity_provider: str = ""
    """Under which ID the site has the OpenID Connect provider (strategy oidc)."""

    protocol: str = "openid"
    """The ID of that provider's protocol at the site (strategy oidc)."""

    token_exchange: TokenExchange | None = None
    """How to get a token for the site from the provider (strategy oidc). Without it the site is
    shown the user's own access token."""

    @field_validator("strategy")
    @classmethod
    def _is_a_strategy(cls, strategy: str) -> str:
        known = [module.name for module in iter_modules([str(_STRATEGIES)])]
        if strategy not in known:
            raise ValueError(f"{strategy!r} is none of {', '.join(sorted(known))}")
        return strategy

    @field_validator("projects")
    @classmethod
    def _domain_and_project(cls, projects: Mapping[str, str]) -> Mapping[str, str]:
        for name in (*projects, *projects.values()):
            domain, slash, project = name.partition("/")
            if not (domain and slash and project):
                raise ValueError(f"{name!r} is not DOMAIN/PROJECT")
        return projects


@dataclass(frozen=True, slots=True)
class Site:
    """One cloud, and the gateway's own account there."""

    name: str
    auth_url: str
    auth_type: str
    auth: Mapping[str, Any] = field(repr=False)
    """Options of the keystoneauth1 plugin `auth_type`; has passwords."""
    region_name: str | None = None
    interface: str = "public"
    verify: bool | str = True
    """As requests has it: whether to check certificates, or the file to check them by."""
    cert: str | tuple[str, str] | None = field(default=None, repr=False)
    overrides: Mapping[str, str] = field(default_factory=dict)
    """Official service type -> the URL to use instead of the catalogue's."""
    federation: Federation = field(default_factory=Federation)

    @property
    def key(self) -> SiteKey:
        """The site as the ID map knows it."""
        return SiteKey.of(self.name, self.federation.namespace, self.federation.number)

    @property
    def service_provider(self) -> str:
        """The site's ID at home."""
        return self.federation.service_provider or self.name


def load_sites(path: Path, names: Iterable[str]) -> dict[str, Site]:
    """The sites of these names, in this order. Raises SettingsError."""
    config = _load(path)
    sites = {name: _site(path, config, name) for name in names}
    try:
        check_sites(site.key for site in sites.values())
    except ValueError as error:
        raise SettingsError(f"{path}: {error}") from None
    providers: dict[str, str] = {}
    for site in sites.values():
        twin = providers.setdefault(site.service_provider, site.name)
        if twin != site.name:
            raise SettingsError(
                f"{path}: clouds.{site.name}.federation.service_provider: is that of {twin} too; "
                "name the service provider that home has for this site"
            )
    return sites


def load_home(path: Path, name: str) -> Site:
    """The Keystone users log in to, and the gateway's account there. Raises SettingsError."""
    return _site(path, _load(path), name)


def _load(path: Path) -> OpenStackConfig:
    if not path.is_file():
        raise SettingsError(f"{path}: there is no such file; it has to describe home and the sites")
    try:
        # Of a broken file the SDK says only that it has no clouds.
        yaml.safe_load(path.read_text())
        # Nothing from the environment or other files: what is not written here is not used.
        return OpenStackConfig(
            config_files=[str(path)],
            secure_files=[str(path.parent / "secure.yaml")],
            vendor_files=[],
            load_envvars=False,
        )
    except Exception as error:  # YAML errors and whatever the loader makes of odd documents
        raise SettingsError(f"{path}: cannot be read as clouds.yaml: {_line(error)}") from None


def _site(path: Path, config: OpenStackConfig, name: str) -> Site:
    if name not in config.cloud_config["clouds"]:
        known = ", ".join(sorted(config.cloud_config["clouds"])) or "none"
        raise SettingsError(f"{path}: clouds.{name}: is missing; add it (there are: {known})")
    try:
        with warnings.catch_warnings():
            # The SDK warns of a deprecated way to send it metrics, used or not.
            warnings.simplefilter("ignore")
            region = config.get_one(cloud=name)
    except Exception as error:  # the loader's own, those of the auth type, and of odd documents
        raise SettingsError(f"{path}: clouds.{name}: {_line(error)}; correct it") from None
    settings = region.config
    auth = {key: value for key, value in (settings.get("auth") or {}).items() if value is not None}
    if not isinstance(auth.get("auth_url"), str):
        raise SettingsError(f"{path}: clouds.{name}.auth.auth_url: is missing; add it")
    verify, cert = region.get_requests_verify_args()
    return Site(
        name=name,
        auth_url=auth["auth_url"],
        auth_type=str(settings.get("auth_type") or "password"),
        auth=auth,
        region_name=region.region_name or None,
        interface=str(region.get_interface() or "public").removesuffix("URL"),
        verify=True if verify is None else verify,
        cert=cert,
        overrides=_overrides(settings),
        # As written: the SDK turns every "-" in a key into "_", also in the names of projects.
        federation=_federation(path, name, config.cloud_config["clouds"][name].get("federation")),
    )


def _overrides(settings: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for key, url in settings.items():
        if key.endswith(_OVERRIDE) and url:
            spelt = key.removesuffix(_OVERRIDE).replace("_", "-")
            found[_TYPES.get_service_type(spelt) or spelt] = str(url)
    return found


def _federation(path: Path, name: str, settings: object) -> Federation:
    where = f"{path}: clouds.{name}.federation"
    if settings is None:
        return Federation()
    if not isinstance(settings, dict):
        raise SettingsError(f"{where}: is not a mapping; write KEY: VALUE lines below it")
    try:
        return Federation.model_validate(settings)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join((where, *(str(part) for part in first["loc"])))
        if first["type"] == "extra_forbidden":
            model = TokenExchange if len(first["loc"]) > 1 else Federation
            known = ", ".join(model.model_fields)
            raise SettingsError(f"{key}: there is no such setting; known are {known}") from None
        message = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{key}: {message}; correct it") from None


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
