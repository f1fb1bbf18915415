"""``federator adopt`` and ``release``: what several sites have, each its own, becomes one, and back."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import click

from federator.options import config_option
from federator.sharing.command import with_crew
from federator.sharing.crew import Crew
from sync.adopter import Adopter
from sync.adopting import Unadoptable
from sync.registry import all_kinds, kind_of

_KINDS = tuple(kind.name for kind in all_kinds() if kind.adoptable)


@click.command()
@config_option
@click.argument("kind", type=click.Choice(_KINDS))
@click.argument("name")
@click.option(
    "--with", "others", multiple=True, required=True, metavar="NAME", help="One of another site."
)
@click.option("--dry-run", is_flag=True, help="Only say whether it can be done.")
def adopt(config: Path, kind: str, name: str, others: tuple[str, ...], dry_run: bool) -> None:
    """Make one object of those of several sites that are alike.

    NAME is an ID or name@site; the first keeps its ID, those of the others lead to it. What differs is named,
    and then nothing is done. At the sites nothing is changed but marks.
    """

    async def run(there: Adopter) -> str:
        new = await there.look(kind_of(kind), (name, *others))
        whole = new.entries[-1]
        what = f"{kind} {whole.global_id} at {' and '.join(sorted(whole.sites))}"
        if dry_run:
            return f"{what} can become one, with {len(new.entries) - 1} parts"
        await there.adopt(new)
        return f"{what} is one from now on, with {len(new.entries) - 1} parts"

    _with(config, run)


@click.command()
@config_option
@click.argument("global_id", metavar="ID")
def release(config: Path, global_id: str) -> None:
    """Give up keeping an object of several sites alike: each site's is its own again, as it is there."""

    async def run(there: Adopter) -> str:
        sites = await there.release(global_id)
        return f"{global_id} is not kept alike any more; there is one each at {', '.join(sorted(sites))}"

    _with(config, run)


def _with(config: Path, run: Callable[[Adopter], Awaitable[str]]) -> None:
    async def whole(there: Crew) -> bool:
        sites = {each.site: (each.cloud, each.tongue) for each in there.rounds}
        try:
            click.echo(await run(Adopter(there.store, there.ids, sites)))
        except Unadoptable as error:
            for line in error.why:
                click.echo(f"federator: {line}", err=True)
            return False
        return True

    with_crew(config, (), whole)
