"""What the tests of site tokens may ask for."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.session.world import RELEASES, Gateway, People, clouds_in, gateway_at, new_people


@pytest.fixture(scope="package")
def clouds_yaml(lab: Path) -> Path:
    """The clouds.yaml of a running lab."""
    return lab


@pytest.fixture
async def gateway(clouds_yaml: Path) -> AsyncIterator[Gateway]:
    async with gateway_at(clouds_yaml) as gateway:
        yield gateway


@pytest.fixture
async def at_every_release(clouds_yaml: Path) -> AsyncIterator[Gateway]:
    """A gateway before Keystones 30, 25 and 23."""
    if "osaka" not in clouds_in(clouds_yaml):
        missing("the site osaka; start it with python -m lab up --sites paris,tokyo,osaka")
    async with gateway_at(clouds_yaml, names=RELEASES) as gateway:
        yield gateway


@pytest.fixture
async def people(clouds_yaml: Path) -> AsyncIterator[People]:
    async with new_people(clouds_yaml) as people:
        yield people
