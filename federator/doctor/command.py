"""``federator site check``: one line for each finding, with its cure."""

import asyncio
import json
import logging
import sys
from pathlib import Path

import click
from multidict import CIMultiDict

from adapters.account import Account
from adapters.client import SiteClient
from adapters.errors import SettingsError
from adapters.registry import all_services
from adapters.sites import Site, load_home, load_sites
from federator.config import Settings, load, secret_of
from federator.doctor.examine import examine
from federator.doctor.patient import Finding, Heard, Level, Patient
from federator.doctor.ward import Ward
from federator.options import OneLineErrors, config_option

_SECONDS = 20.0

_MARKS = {Level.GOOD: "ok", Level.NOTE: "note", Level.WRONG: "WRONG"}


@click.command()
@config_option
@click.option(
    "--json", "as_json", is_flag=True, help="For programs: everything as one JSON object."
)
@click.argument("names", metavar="[SITE]...", nargs=-1)
def check(config: Path, as_json: bool, names: tuple[str, ...]) -> None:
    """Say whether sites are fit for the federation; all of them and home if none is named.

    Nothing is changed anywhere. Ends with 1 if anything is wrong.
    """
    logging.getLogger("stevedore").setLevel(logging.ERROR)
    with OneLineErrors():
        settings = load(config)
        found = asyncio.run(_examine(settings, names))
    click.echo(_as_json(found) if as_json else _as_text(found))
    if any(finding.level is Level.WRONG for findings in found.values() for finding in findings):
        sys.exit(1)


async def _examine(settings: Settings, names: tuple[str, ...]) -> dict[str, list[Finding]]:
    sites = load_sites(settings.clouds, settings.sites)
    home = load_home(settings.clouds, settings.home)
    secret = secret_of(settings)
    known = {settings.home: home, **sites}
    for name in names:
        if name not in known:
            raise SettingsError(f"there is no site {name}; there are {', '.join(known)}")
    accounts = {name: Account(each, timeout=_SECONDS) for name, each in known.items()}
    client = SiteClient(_SECONDS)
    await client.open()

    async def ask(where: Site, url: str) -> Heard:
        headers = CIMultiDict({"Accept": "application/json"})
        async with client.request(where.name, "GET", url, headers, verify=where.verify) as response:
            return Heard(response.status, response.headers, await response.read())

    async def fetch(site: str, url: str) -> tuple[int, bytes]:
        heard = await ask(known[site], url)
        return heard.status, heard.body

    services = all_services()
    ward = Ward({name: accounts[name] for name in sites}, services, fetch, settings.segments)
    try:
        chosen = names or tuple(known)
        patients = [
            Patient(
                home=home,
                site=known[name],
                home_account=accounts[settings.home],
                account=accounts[name],
                services=services,
                ask=ask,
                ward=ward,
                secret=secret,
            )
            for name in chosen
        ]
        found = await asyncio.gather(*(examine(patient) for patient in patients))
        return dict(zip(chosen, found, strict=True))
    finally:
        await client.close()
        for account in accounts.values():
            account.close()


def _as_json(found: dict[str, list[Finding]]) -> str:
    return json.dumps({name: [each._asdict() for each in all_] for name, all_ in found.items()})


def _as_text(found: dict[str, list[Finding]]) -> str:
    lines = []
    for name, findings in found.items():
        for level, what, cure in findings:
            tail = f"; cure: {cure}" if cure else ""
            lines.append(f"{name:<10} {_MARKS[level]:<6} {what}{tail}")
    return "\n".join(lines)
