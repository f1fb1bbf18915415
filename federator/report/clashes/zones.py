"""Availability zones and host aggregates."""

from collections.abc import Iterator

from federator.report.alike import everywhere, of_one_name
from federator.report.finding import Finding, Weight, found, plain
from federator.report.snapshot import Snapshot


def clashes(snapshot: Snapshot) -> Iterator[Finding]:
    """How zones will be called, zones that are called like a site, aggregates of one name."""
    names = {site.name for site in snapshot.sites}
    renamed, alike, without = [], [], []
    for site in snapshot.sites:
        zones = sorted({str(zone["name"]) for zone in site.of("zone")} - {"internal"})
        if zones and site.default_zone not in zones:
            without.append(f"{site.name} has {', '.join(map(plain, zones))}")
        for zone in zones:
            new = site.name if zone == site.default_zone else f"{site.name}.{zone}"
            if zone in names - {site.name}:
                alike.append(f"{plain(zone)} at {site.name}")
            if zone not in ("nova", new):
                renamed.append(f"{plain(zone)} at {site.name} is {plain(new)}")
    yield from found(
        Weight.NOTE,
        "zones-renamed",
        "Availability zones get the site's name before their own",
        means="whoever names a zone (files of Terraform do) has to use the new name; nova goes on to mean the "
        "default zone",
        cure="tell the tenants",
        cases=renamed,
    )
    yield from found(
        Weight.CLASH,
        "zones-like-sites",
        "Zones are called like another site",
        means="the name means the other site in the federation",
        cure="call the site otherwise in clouds.yaml, or tell the tenants to use the zone's new name",
        cases=alike,
    )
    yield from found(
        Weight.CLASH,
        "default-zone-missing",
        "Sites do not have the zone that is to be their default",
        means="what is made with the site's name as its zone fails there",
        cure="state the right one under federation.default_zone",
        cases=without,
    )
    yield from found(
        Weight.NOTE,
        "aggregates-of-one-name",
        "Host aggregates of one name",
        means="administrators see several of that name; they stay apart",
        cure="none is needed; rename one if its name is used to find it",
        cases=[
            everywhere(each)
            for each in of_one_name(
                snapshot.all("aggregate"), lambda _, a: str(a["name"]), lambda _, a: ""
            )
        ],
    )
