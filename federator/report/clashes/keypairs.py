"""Keypairs of people who are users at several sites."""

from collections.abc import Iterator

from federator.report.alike import of_one_name
from federator.report.finding import Finding, Weight, found, plain
from federator.report.snapshot import Item, SiteView, Snapshot


def clashes(snapshot: Snapshot) -> Iterator[Finding]:
    """Of one user name and domain, as far as several sites have it."""

    def name(site: SiteView, item: Item) -> str:
        return f"{item['user']}: {item['name']}"

    named = of_one_name(snapshot.all("keypair"), name, lambda _, each: str(each["fingerprint"]))
    yield from found(
        Weight.NOTE,
        "keypairs-differ",
        "Keypairs of one name and owner are different",
        means="in the federation a user has one list of keypairs, which begins empty: those of the sites' own "
        "users are not taken over",
        cure="have the owner make the keypair that he wants once more, through the federation",
        cases=[
            f"{plain(each.name)} at {' and '.join(each.by_site)}" for each in named if each.differ
        ],
    )
