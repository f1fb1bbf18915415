"""``federator site pause`` and ``resume``: all processes of the gateway follow at once."""

import asyncio
from pathlib import Path

import click

from federator.options import OneLineErrors, config_option
from federator.sites.opened import opened


@click.command()
@config_option
@click.option("--reason", default="", help="One line that users see: why, and until when.")
@click.argument("name", metavar="SITE")
def pause(config: Path, name: str, reason: str) -> None:
    """Take a site out of use for a while.

    Nobody's request is sent there and nobody waits for it; what is known of it is shown as last known.
    """

    async def run() -> None:
        async with opened(config) as it:
            made = await it.pauses.pause(it.site(name).name, reason)
            click.echo(f"{name}: {made}")

    with OneLineErrors():
        asyncio.run(run())


@click.command()
@config_option
@click.argument("name", metavar="SITE")
def resume(config: Path, name: str) -> None:
    """Take a paused site into use again."""

    async def run() -> None:
        async with opened(config) as it:
            was_paused = await it.pauses.resume(it.site(name).name)
            click.echo(f"{name}: in use again" if was_paused else f"{name}: was not paused")

    with OneLineErrors():
        asyncio.run(run())
