"""The sites as they were seen, and what every kind of clash asks about them. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

from adapters.spec import Resource
from federator.report.finding import plain

Item = Mapping[str, Any]
"""An object as its service shows it, or the fields of it that are looked at."""

HOME_TAG = "federator-home-"
"""Begins the tag of a project that the gateway has made; home's ID of the project follows."""
SITE_DOWN = "everything"
"""The kind under which it stands in `SiteView.unread` that a site could not be asked at all."""


@dataclass(frozen=True)
class SiteView:
    """One site."""

    name: str
    namespace: UUID
    number: int
    default_zone: str = "nova"
    listed: Mapping[str, str] = field(default_factory=dict)
    """``home domain/project`` -> ``site domain/project`` (`Federation.projects`)."""
    things: Mapping[str, Sequence[Item]] = field(default_factory=dict)
    """Kind -> all objects of it, as the account sees them. No entry: the site has no such kind."""
    unread: Mapping[str, str] = field(default_factory=dict)
    """Kind -> why it could not be read."""

    def of(self, kind: str) -> Sequence[Item]:
        """All objects of a kind; none if it could not be read."""
        return self.things.get(kind, ())

    def project(self, project_id: object) -> str:
        """``domain/name`` of a project, as the federation will call it; the ID of one that is not known."""
        return self._projects.get(str(project_id), str(project_id))

    def domain(self, domain_id: object) -> str:
        """The name of a domain."""
        return self._domains.get(str(domain_id), str(domain_id))

    def network(self, network_id: object) -> Item:
        """A network by its ID; nothing of one that is not known."""
        return self._networks.get(str(network_id), {})

    @cached_property
    def _domains(self) -> dict[str, str]:
        return {str(each["id"]): str(each["name"]) for each in self.of("domain")}

    @cached_property
    def _projects(self) -> dict[str, str]:
        at_home = {theirs: ours for ours, theirs in self.listed.items()}
        names = {
            str(each["id"]): f"{self.domain(each.get('domain_id'))}/{each['name']}"
            for each in self.of("project")
        }
        return {each: at_home.get(name, name) for each, name in names.items()}

    @cached_property
    def _networks(self) -> dict[str, Item]:
        return {str(each["id"]): each for each in self.of("network")}


@dataclass(frozen=True)
class Snapshot:
    """All sites in question, in the order in which they were named, and home."""

    sites: Sequence[SiteView]
    home: SiteView
    """Its domains, projects and users."""
    resources: Mapping[str, Resource] = field(default_factory=dict)
    """Kind -> how it is declared: by what things of several sites are known to be equal."""

    def all(self, kind: str) -> Iterator[tuple[SiteView, Item]]:
        """Every object of a kind with its site."""
        for site in self.sites:
            for item in site.of(kind):
                yield site, item


def shown(item: Item) -> str:
    """An object by name and ID."""
    name = plain(item.get("name") or "(no name)")
    return f"{name} {item['id']}" if "id" in item else name
