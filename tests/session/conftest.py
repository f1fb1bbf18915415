"""What the tests of site tokens may ask for."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.session.world import RELEASES, Gateway, People, clouds_in, gateway_at, new_people


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "clouds_yaml" in getattr(item, "fixturenames", ()):
            item.add_marker("lab")


@pytest.fixture(scope="package")
def clouds_yaml() -> Path:
    """The clouds.yaml of a running lab."""
    path = Path(os.environ.get("LAB_DIR", ".lab")) / "clouds.yaml"
    if not path.is_file():
        missing(f"the lab ({path}); start it with python -m lab up")
    return path


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
