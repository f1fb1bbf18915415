"""``federator sync``, ``federator plan`` and ``federator apply``."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import click

from adapters.errors import SiteUnreachable
from federator import loglines
from federator.config import load
from federator.options import OneLineErrors, config_option
from federator.sharing.crew import Crew, crew
from sync.cloud import Refused
from sync.daemon import LEAD_SECONDS
from sync.plan import told

_site = click.option("--site", "names", multiple=True, metavar="SITE", help="Only this site.")


@click.command()
@config_option
@click.option("--site", required=True, metavar="SITE", help="The site to keep alike.")
def sync(config: Path, site: str) -> None:
    """Keep what spans sites alike at one site, until told to stop.

    Run one for each site, near it; of two for the same site one waits for the other to end.
    """
    loglines.to_stderr()

    async def run(there: Crew) -> bool:
        daemon = there.daemon(there.rounds[0], load(config).audit_seconds)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, daemon.stopping.set)
        click.echo(f"federator: keeps {site} alike", err=True)
        await daemon.run()
        return True

    with_crew(config, (site,), run)


@click.command()
@config_option
@_site
def plan(config: Path, names: tuple[str, ...]) -> None:
    """Print what the daemons would change at the sites, and why. Changes nothing."""

    async def run(there: Crew) -> bool:
        reached = True
        for each in there.rounds:
            try:
                for line in told(await each.plan()):
                    click.echo(line)
            except (SiteUnreachable, Refused) as error:
                click.echo(f"{each.site}: cannot be looked at: {error}", err=True)
                reached = False
        return reached

    with_crew(config, names, run)


@click.command()
@config_option
@click.option(
    "--site", required=True, metavar="SITE", help="The site to bring to the desired state."
)
@click.option(
    "--confirm", default="", metavar="DIGEST", help="Do what `federator plan` says was refused."
)
@click.option("--dry-run", is_flag=True, help="The same as federator plan.")
def apply(config: Path, site: str, confirm: str, dry_run: bool) -> None:
    """Do one round at a site now, or have its daemon do it, if there is one."""

    async def run(there: Crew) -> bool:
        (each,) = there.rounds
        if dry_run:
            for line in told(await each.plan()):
                click.echo(line)
            return True
        async with there.store.lead(site, LEAD_SECONDS) as lead:
            if confirm:
                await there.store.confirm(site, confirm)
            if lead is None:
                await there.store.wake([site])
                click.echo(f"{site}: its daemon has been woken; federator plan shows what is left")
                return True
            done = await each.run(lead)
            for line in told(done.plan):
                click.echo(line)
            return not done.plan.refused

    with_crew(config, (site,), run)


def with_crew(config: Path, names: tuple[str, ...], run: Callable[[Crew], Awaitable[bool]]) -> None:
    """Run this with the daemons' tools for these sites, for all with no names. Exits with 1 if it went ill."""

    async def whole() -> bool:
        async with crew(load(config), names) as there:
            return await run(there)

    with OneLineErrors(), suppress(KeyboardInterrupt):
        try:
            well = asyncio.run(whole())
        except (SiteUnreachable, Refused) as error:
            raise SystemExit(f"federator: {error}") from None
        if not well:
            sys.exit(1)
