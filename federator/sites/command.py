"""The group of commands ``federator site``."""

import click

from federator.doctor.command import check
from federator.report.command import report
from federator.sites.overview import overview
from federator.sites.pausing import pause, resume
from federator.sites.removing import remove
from federator.sites.renaming import rename


@click.group()
def site() -> None:
    """Look at the sites, and take them in and out of use."""


for command in (check, report, overview, pause, resume, rename, remove):
    site.add_command(command)
