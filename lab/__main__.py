"""python -m lab up | down | status | reset"""

from __future__ import annotations

import sys
from pathlib import Path

import click
from keystoneauth1.exceptions import ClientException

from lab.lab import DEFAULT_SITES, Lab
from lab.layout import LabError
from lab.status import table

SITES = click.option("--sites", help="Names from lab/sites, with commas between.")
FOLDER = click.option(
    "--dir", "folder", type=click.Path(path_type=Path), help="Instead of LAB_DIR or .lab."
)


def names(sites: str | None) -> list[str] | None:
    return [name.strip() for name in sites.split(",")] if sites else None


@click.group(help="Real OpenStack sites on this machine, on 127.0.0.1 only.")
def cli() -> None:
    pass


@cli.command(help=f"Start home and {', '.join(DEFAULT_SITES)}; makes what is not there yet.")
@SITES
@FOLDER
def up(sites: str | None, folder: Path | None) -> None:
    lab = Lab(folder)
    with lab.layout.locked():
        lab.up(names(sites) or DEFAULT_SITES)


@cli.command(help="Stop everything, or the named sites. What they hold stays.")
@SITES
@FOLDER
def down(sites: str | None, folder: Path | None) -> None:
    lab = Lab(folder)
    with lab.layout.locked():
        lab.down(names(sites))


@cli.command(help="Stop and remove all data, or that of the named sites; virtualenvs stay.")
@SITES
@FOLDER
def reset(sites: str | None, folder: Path | None) -> None:
    lab = Lab(folder)
    with lab.layout.locked():
        lab.reset(names(sites))


@cli.command(help="Every process: up or down, memory (PSS), address.")
@FOLDER
def status(folder: Path | None) -> None:
    click.echo(table(Lab(folder)))


def main() -> None:
    try:
        cli(prog_name="python -m lab")
    except LabError as problem:
        sys.exit(f"lab: {problem}")
    except ClientException as problem:
        sys.exit(f"lab: a service refused: {problem}\n  cure: look in log/ of the lab's folder")


if __name__ == "__main__":
    main()
