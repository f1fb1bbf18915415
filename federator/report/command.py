"""``federator site report``: what clashes, before anything is changed."""

import asyncio
import logging
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import click

from adapters.account import Account
from adapters.errors import SettingsError
from adapters.sites import load_home, load_sites
from federator.config import Settings, load
from federator.options import OneLineErrors, config_option
from federator.report import clashes
from federator.report.draw import as_json, as_text
from federator.report.finding import Finding
from federator.report.read import Reader
from federator.report.snapshot import Snapshot

_SECONDS = 60.0


@click.command()
@config_option
@click.option("--json", "as_object", is_flag=True, help="For programs: all cases, as JSON.")
@click.option("--all", "whole", is_flag=True, help="All cases of each kind, not only some.")
@click.argument("names", metavar="[SITE]...", nargs=-1)
def report(config: Path, as_object: bool, whole: bool, names: tuple[str, ...]) -> None:
    """Say what clashes when these sites become one federation; those of the settings if none is named.

    A site that is named need not be in the settings yet: its entry in clouds.yaml is enough. Nothing is
    changed anywhere. Ends with 1 if a site could not be read.
    """
    logging.getLogger("stevedore").setLevel(logging.ERROR)
    with OneLineErrors():
        snapshot = asyncio.run(_read(load(config), names))
        findings = found_in(snapshot)
    text = as_json(snapshot, findings) if as_object else as_text(snapshot, findings, whole=whole)
    click.echo(text)
    if any(view.unread for view in (snapshot.home, *snapshot.sites)):
        sys.exit(1)


def found_in(snapshot: Snapshot) -> list[Finding]:
    """What all kinds of clashes find."""
    modules = sorted(info.name for info in iter_modules(clashes.__path__, clashes.__name__ + "."))
    return [finding for name in modules for finding in import_module(name).clashes(snapshot)]


async def _read(settings: Settings, names: tuple[str, ...]) -> Snapshot:
    chosen = tuple(dict.fromkeys(names)) or settings.sites
    # Each by itself: that two have the same number is a finding.
    sites = {name: load_sites(settings.clouds, [name])[name] for name in chosen}
    home = load_home(settings.clouds, settings.home)
    if settings.home in sites:
        raise SettingsError(f"{settings.home} is home, and no site; name sites only")
    accounts = {name: Account(site, timeout=_SECONDS) for name, site in sites.items()}
    home_account = Account(home, timeout=_SECONDS)
    try:
        return await Reader(sites, accounts, home, home_account).snapshot()
    finally:
        for account in (*accounts.values(), home_account):
            account.close()
