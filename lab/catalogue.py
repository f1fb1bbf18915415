"""What can be started, read from data files: releases/*/release.yaml, sites/*.yaml and home.yaml.

A new site or release is a new file; nothing here knows their names.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from lab.layout import SOURCE, LabError

HOME = "home"


@dataclass(frozen=True)
class Service:
    """How one service is launched: as a WSGI module under uWSGI, or by its own command."""

    name: str
    wsgi: str = ""
    command: tuple[str, ...] = ()
    processes: int = 1
    threads: int = 1
    lazy_apps: bool = False
    """Each process loads it for itself: it opens connections as soon as it is loaded."""
    pyargv: str = ""


@dataclass(frozen=True, eq=False)
class Release:
    name: str
    folder: Path
    services: dict[str, Service]
    volume_service_type: str = ""

    @property
    def pins(self) -> Path:
        return self.folder / "pins.txt"

    @property
    def build_constraints(self) -> Path | None:
        path = self.folder / "build-constraints.txt"
        return path if path.exists() else None


@dataclass(frozen=True)
class SiteFile:
    name: str
    release: Release
    port_offset: int
    external_cidr: str = ""
    services: tuple[str, ...] = ()

    @property
    def own_services(self) -> tuple[str, ...]:
        """What the site runs: all of its release, unless its file says less."""
        return self.services or tuple(self.release.services)


@dataclass(frozen=True)
class Domain:
    name: str
    projects: list[str] = field(default_factory=list)
    users: dict[str, dict[str, str]] = field(default_factory=dict)
    totp: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class HomeFile:
    release: Release
    domains: list[Domain]


def _read(path: Path) -> dict[str, Any]:
    content = yaml.safe_load(path.read_text())
    if not isinstance(content, dict):
        raise LabError(f"{path}: a mapping is wanted")
    return content


@cache
def release(name: str) -> Release:
    folder = SOURCE / "releases" / name
    if not folder.is_dir():
        known = sorted(path.name for path in folder.parent.iterdir())
        raise LabError(f"no release {name}; there are {', '.join(known)}")
    content = _read(folder / "release.yaml")
    services = {
        service: Service(service, **{**launch, "command": tuple(launch.get("command", ()))})
        for service, launch in content["services"].items()
    }
    return Release(name, folder, services, content.get("volume_service_type", ""))


@cache
def sites() -> dict[str, SiteFile]:
    found = {}
    for path in sorted((SOURCE / "sites").glob("*.yaml")):
        content = _read(path)
        content["release"] = release(content["release"])
        content["services"] = tuple(content.get("services", ()))
        site = found[path.stem] = SiteFile(path.stem, **content)
        if unknown := set(site.own_services) - set(site.release.services):
            raise LabError(f"{path}: release {site.release.name} has no {', '.join(unknown)}")
        if "neutron" in site.own_services:
            ipaddress.ip_network(site.external_cidr)
    offsets = [site.port_offset for site in found.values()]
    if len(set(offsets)) != len(offsets):
        raise LabError("two files in sites/ have the same port_offset")
    return found


def site(name: str) -> SiteFile:
    try:
        return sites()[name]
    except KeyError:
        raise LabError(f"no site {name}; there are {', '.join(sites())}") from None


@cache
def home() -> HomeFile:
    content = _read(SOURCE / "home.yaml")
    domains = [Domain(name, **domain) for name, domain in content["domains"].items()]
    return HomeFile(release(content["release"]), domains)
