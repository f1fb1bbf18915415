"""Looks through sites and home by the gateway's account, for a report. Nothing is changed anywhere.

What a site does not let us see, or does not have, is no reason to leave out the rest.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from adapters.account import Account
from adapters.breakers import Breakers
from adapters.directory import Directory
from adapters.errors import FederationError
from adapters.names import Site as SiteNames
from adapters.registry import all_services, id_rules
from adapters.sites import Site
from adapters.spec import Resource, Service
from federator.report.snapshot import SITE_DOWN, Item, SiteView, Snapshot
from federator.upkeep.survey import Survey

_AT_ONCE = 4
_IDENTITY = ("domain", "project", "user")
_FIELDS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("network", "network"): (
        "id", "name", "project_id", "router:external", "segments", "provider:network_type",
        "provider:physical_network", "provider:segmentation_id",
    ),
    ("network", "subnet"): ("id", "name", "project_id", "network_id", "cidr", "allocation_pools"),
    ("network", "router"): ("id", "name", "project_id"),
    ("network", "security_group"): ("id", "name", "project_id", "security_group_rules"),
    ("network", "port"): ("id", "name", "mac_address"),
    ("network", "network_segment_range"): ("network_type", "physical_network", "minimum", "maximum"),
    ("compute", "flavor"): ("id",),
    ("compute", "aggregate"): ("name",),
    ("image", "image"): ("id", "visibility", "size"),
    ("block-storage", "volume_type"): ("id",),
    ("block-storage", "group_type"): ("id",),
}  # fmt: skip
"""(service, kind) -> the fields that are looked at, beside those that prove things equal (`equal_by`)."""

_EVERY = {"aggregate": "/os-aggregates", "zone": "/os-availability-zone"}
"""How to list kinds that the ID map does not need."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads. `accounts` are those of `sites`, by name."""

    sites: Mapping[str, Site]
    accounts: Mapping[str, Account]
    home: Site
    home_account: Account

    async def snapshot(self) -> Snapshot:
        """All of it, the sites at the same time."""
        home, *views = await asyncio.gather(
            self._home(), *(self._site(site) for site in self.sites.values())
        )
        people = _of_several_sites(views)
        keypairs = await asyncio.gather(
            *(self._keypairs(view, people[view.name]) for view in views)
        )
        resources = {
            resource.kind: resource
            for service in all_services().values()
            for resource in service.resources
            if (service.type, resource.kind) in _FIELDS
        }
        return Snapshot(keypairs, home, resources)

    async def _home(self) -> SiteView:
        view = _view(self.home)
        things, unread = await _directory(self.home_account)
        return replace(view, things=things, unread=unread)

    async def _site(self, site: Site) -> SiteView:
        account = self.accounts[site.name]
        view = _view(site)
        try:
            there = await account.endpoints()
        except FederationError as error:
            return replace(view, unread={SITE_DOWN: _why(error)})
        things, unread = await _directory(account)
        key = site.key
        names = SiteNames(key.name, key.namespace, key.number)
        survey = Survey(names, account, id_rules(), Breakers(_nobody))
        for service, resource in _wanted():
            if service.type not in there:
                continue
            fields = {*_FIELDS.get((service.type, resource.kind), ()), *resource.equal_by}
            kept: list[Item] = []
            try:
                async for items in survey.pages(service, resource):
                    kept += [_trimmed(resource, item, fields) for item in items]
            except FederationError as error:
                unread[resource.kind] = _why(error)
            things[resource.kind] = kept
        return replace(view, things=things, unread=unread)

    async def _keypairs(self, view: SiteView, people: Mapping[str, str]) -> SiteView:
        """The site with the keypairs of these users: ID -> how they are called."""
        if "flavor" not in view.things:
            return view
        found: list[Item] = []
        turns = asyncio.Semaphore(_AT_ONCE)
        account = self.accounts[view.name]

        async def read(user_id: str, name: str) -> None:
            path = f"/v2.1/os-keypairs?user_id={quote(user_id)}"
            async with turns:
                status, body = await account.get("compute", path, microversion="2.10")
            if status == 200 and isinstance(body, dict):
                found.extend({**each["keypair"], "user": name} for each in body["keypairs"])

        reading = (read(user_id, name) for user_id, name in people.items())
        outcomes = await asyncio.gather(*reading, return_exceptions=True)
        for error in outcomes:
            if isinstance(error, FederationError):
                return replace(view, unread={**view.unread, "keypair": _why(error)})
            if error is not None:
                raise error
        return replace(view, things={**view.things, "keypair": found})


async def _directory(account: Account) -> tuple[dict[str, Sequence[Item]], dict[str, str]]:
    """Domains, projects and users of a Keystone, and what of them could not be read."""
    directory = Directory(account)
    things: dict[str, Sequence[Item]] = {}
    unread: dict[str, str] = {}
    for kind in _IDENTITY:
        try:
            things[kind] = await directory.list(f"{kind}s")
        except FederationError as error:
            unread[kind] = _why(error)
    return things, unread


def _wanted() -> list[tuple[Service, Resource]]:
    services = all_services()
    found = [
        (services[service], services[service].resource(kind))
        for service, kind in _FIELDS
        if service in services
    ]
    compute = services["compute"]
    zone = Resource(path="", key="zone", keys="availabilityZoneInfo", id_field="zoneName")
    found.append((compute, zone))
    return [
        (service, replace(each, index=_EVERY[each.kind]) if each.kind in _EVERY else each)
        for service, each in found
    ]


def _trimmed(resource: Resource, item: Any, fields: set[str]) -> Item:
    if resource.kind == "zone":
        return {"name": item["zoneName"]}
    return {name: item[name] for name in fields if name in item}


def _of_several_sites(views: Sequence[SiteView]) -> dict[str, dict[str, str]]:
    """Site -> ID -> ``domain/name`` of the users whose name and domain other sites know as well."""
    known: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for view in views:
        for user in view.of("user"):
            name = f"{view.domain(user.get('domain_id'))}/{user['name']}"
            known[name].append((view.name, str(user["id"])))
    people: dict[str, dict[str, str]] = {view.name: {} for view in views}
    for name, at in known.items():
        if len({site for site, _ in at}) > 1:
            for site, user_id in at:
                people[site][user_id] = name
    return people


def _view(site: Site) -> SiteView:
    key, settings = site.key, site.federation
    return SiteView(site.name, key.namespace, key.number, settings.default_zone, settings.projects)


def _why(error: BaseException) -> str:
    return str(getattr(error, "reason", error))


async def _nobody(site: str, service: str) -> bool:
    raise AssertionError("nobody knocks for a report")
