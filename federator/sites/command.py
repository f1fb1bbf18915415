"""The group of commands ``federator site``."""

import click

from federator.doctor.command import check
from federator.sites.overview import overview
from federator.sites.pausing import pause, resume


@click.group()
def site() -> None:
    """Look at the sites, and take them in and out of use."""


for command in (check, overview, pause, resume):
    site.add_command(command)
