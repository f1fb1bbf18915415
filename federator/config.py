"""The one settings file of the gateway: ``federator.yaml``.

Sites are not described here but in ``clouds.yaml``, as for every other OpenStack tool. A wrong setting stops
the start with one line that names the file, the key and the cure.
"""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    ValidationError,
    field_validator,
    model_validator,
)

from adapters.errors import SettingsError
from adapters.secret import read_secret
from sync.segments import parse_pool


class Settings(BaseModel):
    """Everything that can be set. Units are in the names; defaults suit a first run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    clouds: Path = Path("clouds.yaml")
    """The clouds.yaml with home and the sites; relative to the settings file."""

    home: str = "home"
    """The entry in clouds.yaml of the Keystone that users log in to."""

    sites: Annotated[tuple[str, ...], Field(min_length=1)]
    """The entries in clouds.yaml that are sites. The order matters: of objects that are equal at several
    sites the first site's ID is shown, and items that sort equal come in this order."""

    default_site: str = ""
    """Where things are created when neither the body nor the caller says where; the first site if empty."""

    listen: str = "127.0.0.1:8780"
    """Host and port to listen at; ``[::1]:8780`` for IPv6."""

    monitor: str = ""
    """Host and port of a listener of its own for ``/metrics`` and ``/healthcheck``. Then ``/metrics`` is only
    there; empty: it is at `listen`."""

    public_url: HttpUrl | None = None
    """The URL under which clients reach the gateway, if that is not ``http://<listen>``. It stands in the
    catalogue and in every link."""

    region: str = "federation"
    """The name of the one region that clients see."""

    redis: str = "redis://127.0.0.1:6379/0"
    """Where the ID map is kept: ``redis://``, ``rediss://`` or ``unix://``."""

    secret_file: Path | None = None
    """A file with at least 32 random bytes, the same for all gateway processes; relative to the settings
    file. With it the processes share the access tokens of logins by OpenID Connect, sealed, in Redis."""

    revalidate_seconds: Annotated[float, Field(gt=0, le=3600)] = 60
    """How long a token that home found valid counts as valid without asking again."""

    read_timeout_seconds: Annotated[float, Field(gt=0, le=600)] = 5
    """How long a site may take to answer one request that changes nothing before it counts as missing."""

    write_timeout_seconds: Annotated[float, Field(gt=0, le=600)] = 60
    """How long a site may take to answer any other request, and between two pieces of a stream."""

    namesakes_seconds: Annotated[float, Field(gt=0)] = 60
    """How often objects that are equal at several sites are looked for."""

    readings_seconds: Annotated[float, Field(gt=0)] = 300
    """How often all objects of the sites are read, to be shown as last known while their site is away."""

    federation: Annotated[str, Field(pattern=r"^[a-z0-9-]{0,32}$")] = ""
    """What this federation is called, where a site is in several: written on what is kept alike there, so that
    none takes over what is another's. To be set before anything spans sites."""

    segments: str = ""
    """The VLAN IDs for networks that span sites, ``2000-2999``: they must be nobody else's at any site. Empty:
    no network can span sites."""

    sharing: Literal["lazy", "eager"] = "lazy"
    """When networks, routers and security groups come to the other sites: when something there first needs
    them, or at once."""

    sharing_seconds: Annotated[float, Field(gt=0, le=600)] = 45
    """How long a request waits for what it needs to come to its site."""

    audit_seconds: Annotated[float, Field(gt=0)] = 300
    """How often ``federator sync`` looks at all of its site, whatever happens."""

    drift: Literal["repair", "report"] = "repair"
    """What the daemons do with what was changed at a site past the federation: put it right, or say so until
    its tenant changes it."""

    strict_projects: frozenset[str] = frozenset()
    """IDs of projects at home that want no answer rather than a partial one."""

    strict_credentials: frozenset[str] = frozenset()
    """IDs of application credentials that want the same: of programs, while people see what there is."""

    max_body_bytes: Annotated[int, Field(gt=0)] = 1_048_576
    """The largest JSON body that is read. Larger ones are answered 413. Images stream and are not limited."""

    policy_file: Path | None = None
    """A policy.yaml with the rights on our own API that differ from the defaults; relative to the settings
    file."""

    audit_file: Path | None = None
    """Where audit events are written, a JSON line each; relative to the settings file. stderr if there is
    none."""

    @model_validator(mode="after")
    def _default_site_is_a_site(self) -> "Settings":
        if self.default_site and self.default_site not in self.sites:
            raise ValueError(f"default_site {self.default_site!r} is not one of sites")
        if len(set(self.sites)) != len(self.sites):
            raise ValueError("sites names a site twice")
        return self

    @model_validator(mode="after")
    def _redis_is_a_url(self) -> "Settings":
        known = ("redis", "rediss", "unix", "redis+sentinel")
        scheme, separator, rest = self.redis.partition("://")
        try:
            usable = scheme in known and bool(separator and rest)
            # Several Sentinels stand in one URL; the port of one host can be looked at.
            usable = usable and ("," in rest or urlsplit(self.redis).port != 0)
        except ValueError:
            usable = False
        if not usable:
            raise ValueError(f"redis: {self.redis!r} is no URL of {', '.join(known)}")
        return self

    @field_validator("segments")
    @classmethod
    def _segments_are_a_range(cls, segments: str) -> str:
        if segments:
            parse_pool(segments)
        return segments

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to listen at."""
        return _host_and_port(self.listen)

    @property
    def monitor_address(self) -> tuple[str, int] | None:
        """Host and port of the listener for monitoring; None if there is none."""
        return _host_and_port(self.monitor) if self.monitor else None

    @property
    def public_base(self) -> str:
        """The public URL without a trailing slash."""
        return str(self.public_url or f"http://{self.listen}").rstrip("/")

    @model_validator(mode="after")
    def _listen_is_host_and_port(self) -> "Settings":
        for name, address in (("listen", self.listen), ("monitor", self.monitor)):
            host, _, port = address.rpartition(":")
            wrong = not host or not port.isdigit() or not 0 < int(port) < 65536
            if wrong and (address or name == "listen"):
                raise ValueError(f"{name} {address!r} is not HOST:PORT")
        if self.monitor == self.listen:
            raise ValueError("monitor is the same address as listen")
        return self


def load(path: Path) -> Settings:
    """The settings in `path`. Raises SettingsError with one line that names file, key and cure."""
    try:
        data = yaml.safe_load(path.read_text())
    except OSError as error:
        raise SettingsError(
            f"{path}: cannot be read ({error.strerror}); name the settings file with --config"
        ) from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(data, dict):
        raise SettingsError(f"{path}: empty; it needs at least the key sites, a list of names")
    try:
        settings = Settings.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"{path}: {_complaint(key, first['type'], first['msg'])}") from error
    files = {
        name: path.parent / file
        for name in ("clouds", "secret_file", "policy_file", "audit_file")
        if (file := getattr(settings, name)) is not None
    }
    return settings.model_copy(update=files)


def _host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def secret_of(settings: Settings) -> bytes | None:
    """What is in `Settings.secret_file`; None if there is none. Raises SettingsError."""
    if settings.secret_file is None:
        return None
    return read_secret(settings.secret_file, "secret_file")


def _complaint(key: str, kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return (
            f"{key}: there is no such setting; known are {', '.join(sorted(Settings.model_fields))}"
        )
    if kind == "missing":
        return f"{key}: is missing; add it"
    text = message.removeprefix("Value error, ")
    return f"{key}: {text}" if key else text
