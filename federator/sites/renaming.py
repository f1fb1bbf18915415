"""``federator site rename``: what has to be written where, so that no ID changes with the name."""

from pathlib import Path

import click

from adapters.errors import SettingsError
from adapters.sites import Site, load_sites
from federator.config import Settings, load
from federator.options import OneLineErrors, config_option
from idmap.sites import SiteKey

_FORBIDDEN = frozenset("/,:@ \t")
"""In a site's name: it is an availability zone, and stands in headers and behind ``@``."""


@click.command()
@config_option
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
def rename(config: Path, old: str, new: str) -> None:
    """Say what to write where to call a site NEW. Nothing is changed.

    All IDs stay as they are, and so does all that is kept of the site: it is kept by its number.
    """
    with OneLineErrors():
        settings = load(config)
        if old not in settings.sites:
            raise SettingsError(f"there is no site {old}; there are {', '.join(settings.sites)}")
        _check(settings, new)
        site = load_sites(settings.clouds, [old])[old]
    click.echo("\n".join(_steps(settings, site, new)))


def _check(settings: Settings, new: str) -> None:
    if not new or not new.isprintable() or _FORBIDDEN & set(new):
        raise SettingsError(f"{new!r} cannot be a name: no / , : @ and no spaces, please")
    if new in settings.sites or new == settings.home:
        raise SettingsError(f"{new} is taken; choose another name")
    SiteKey.of(new)


def _steps(settings: Settings, site: Site, new: str) -> list[str]:
    names = [new if name == site.name else name for name in settings.sites]
    default = settings.default_site == site.name
    lines = [
        f"1. In clouds.yaml call the entry {new} instead of {site.name}. Below it, and in secure.yaml if the",
        "   password is there, all stays; these lines stand under federation, beside what is there already:",
        "     federation:",
        f"       namespace: {site.key.namespace}",
        f"       number: {site.key.number}",
    ]
    if site.federation.strategy == "k2k":
        lines.append(f"       service_provider: {site.service_provider}")
    exchange = site.federation.token_exchange
    if exchange is not None and not exchange.audience:
        lines += ["       token_exchange:", f"         audience: urn:site:{site.name}"]
    lines += [
        "2. In federator.yaml:",
        f"     sites: [{', '.join(names)}]",
        *([f"     default_site: {new}"] if default else []),
        f"3. Do both for all gateways and daemons, then restart them (federator sync --site {new}).",
        "Tenants see the new name: as availability zone, in X-Federation-Site, and behind the @ of flavors",
        f"whose ID is another's elsewhere (1@{site.name}).",
    ]
    return lines
