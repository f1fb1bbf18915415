"""The command line: ``federator serve``, ``idmap show | rebuild``; others are told where they are at home."""

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

import click
import uvloop
from aiohttp import web

from federator import loglines
from federator.app import LONGEST_HEADER, application
from federator.config import load
from federator.garbage import settle
from federator.house import House, build
from federator.monitor import monitor
from federator.options import OneLineErrors, config_option
from federator.sharing.adopting import adopt, release
from federator.sharing.command import apply, plan, sync
from federator.sharing.draining import router
from federator.sites.command import site
from idmap.ids import global_uuid


@click.group()
@click.version_option(package_name="federator")
def main() -> None:
    """One OpenStack endpoint over many OpenStack sites."""


for command in (site, sync, plan, apply, router, adopt, release):
    main.add_command(command)


@main.command()
@config_option
def serve(config: Path) -> None:
    """Run the gateway until it is told to stop (SIGTERM or Ctrl-C).

    Several processes may serve one port: start the command as often as there are cores.
    """
    loglines.to_stderr()

    async def run() -> None:
        house = _house(config)
        runner = web.AppRunner(
            application(house),
            access_log=None,
            handle_signals=True,
            auto_decompress=False,
            max_line_size=LONGEST_HEADER,
            max_field_size=LONGEST_HEADER,
        )
        await runner.setup()
        host, port = house.settings.address
        site = web.TCPSite(runner, host, port, reuse_port=True)
        watched = None
        try:
            await site.start()
            if house.settings.monitor_address is not None:
                watched = web.AppRunner(monitor(house.ids), access_log=None)
                await watched.setup()
                host, port = house.settings.monitor_address
                await web.TCPSite(watched, host, port, reuse_port=True).start()
            click.echo(
                f"federator: {house.settings.public_base}/identity serves "
                f"{', '.join(house.settings.sites)}",
                err=True,
            )
            settle()
            await asyncio.Event().wait()
        finally:
            if watched is not None:
                await watched.cleanup()
            await runner.cleanup()

    with OneLineErrors(), suppress(KeyboardInterrupt, web.GracefulExit):
        uvloop.run(run())


@main.group()
def idmap() -> None:
    """Look into the ID map, or restore it."""


@idmap.command()
@config_option
@click.argument("any_id", metavar="ID")
def show(config: Path, any_id: str) -> None:
    """Show where an ID lives: a global ID, or the local UUID of something known."""

    async def run() -> bool:
        house = _house(config)
        await house.ids.refresh()
        found = await house.ids.locate([any_id])
        pin = found.pinned.get(any_id)
        place = found.found.get(any_id)
        if place is not None:
            # The ID of a replica, or a local one, leads to the one that tenants see.
            shown = house.ids.pins.global_of(None, place.site, place.local_id)
            pin = house.ids.pins.pin(None, shown) if shown is not None else None
        if pin is not None:
            click.echo(f"{pin.global_id}  {pin.kind}, pinned ({pin.origin})")
            for site, local in pin.places.items():
                click.echo(f"  {site}  {local}")
            for alias in sorted(pin.aliases, key=lambda each: (each.site, each.local_id)):
                click.echo(f"  {alias.site}  {alias.local_id}  (shown as this, never acted on)")
        elif place is not None:
            names = house.gateway.fanout.asker.names[place.site]
            click.echo(f"{global_uuid(names.namespace, place.local_id)}  computed")
            click.echo(f"  {place.site}  {place.local_id}")
        elif found.complete:
            click.echo(f"{any_id} is not known, and the map is complete.", err=True)
        else:
            click.echo(
                f"{any_id} is not known yet: the map is incomplete; run federator idmap rebuild.",
                err=True,
            )
        await house.ids.store.close()
        return place is not None or pin is not None

    with OneLineErrors():
        if not asyncio.run(run()):
            sys.exit(1)


@idmap.command()
@config_option
def rebuild(config: Path) -> None:
    """Restore the map from the sites. Harmless while gateways run."""

    async def run() -> bool:
        house = _house(config)
        try:
            await house.ids.refresh()
            await house.pauses.read()
            await house.client.open()
            if not await house.rebuild.run(click.echo):
                click.echo("somebody else is rebuilding the map; nothing done", err=True)
                return False
            return not await house.ids.missing_stamps()
        finally:
            await house.client.close()
            await house.ids.store.close()

    with OneLineErrors():
        if not asyncio.run(run()):
            sys.exit(1)


def _house(config: Path) -> House:
    return build(load(config))
