"""``federator router drain`` and ``restore``: a router has no interfaces at a site for a while."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import click

from federator.options import config_option
from federator.sharing.command import with_crew
from federator.sharing.crew import Crew
from idmap.desired import State
from sync.draining import Draining, Undrainable

WAIT_SECONDS = 120.0
"""For the daemon; it goes on if it takes longer."""

_site = click.option("--site", required=True, metavar="SITE", help="The site at which.")


@click.group()
def router() -> None:
    """Take a router that spans sites out of use at one of them."""


@router.command()
@config_option
@_site
@click.argument("name", metavar="ROUTER")
def drain(config: Path, site: str, name: str) -> None:
    """Take all its interfaces at a site away, and keep them away.

    All or none: floating IPs of the site that go through it have to be taken off first. Routers of other sites
    answer meanwhile.
    """

    async def run(there: Draining) -> str:
        found = await there.router(name)
        await there.drain(found)
        count = await there.wait(found.global_id, State.DRAINED, WAIT_SECONDS)
        return f"{site}: router {found.global_id} is drained of {count} interfaces"

    _with(config, site, run)


@router.command()
@config_option
@_site
@click.argument("name", metavar="ROUTER")
def restore(config: Path, site: str, name: str) -> None:
    """Bring its interfaces at a site back."""

    async def run(there: Draining) -> str:
        found = await there.router(name)
        await there.restore(found)
        count = await there.wait(found.global_id, State.READY, WAIT_SECONDS)
        return f"{site}: router {found.global_id} has its {count} interfaces"

    _with(config, site, run)


def _with(config: Path, site: str, run: Callable[[Draining], Awaitable[str]]) -> None:
    async def whole(there: Crew) -> bool:
        (each,) = there.rounds
        try:
            click.echo(await run(Draining(there.store, there.ids, each.cloud)))
        except Undrainable as error:
            click.echo(f"federator: {error}", err=True)
            return False
        return True

    with_crew(config, (site,), whole)
