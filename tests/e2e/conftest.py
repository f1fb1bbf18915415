"""The whole of it: real sites, a real gateway, unmodified clients."""

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.e2e.openstack_cli import CommandServer
from tests.e2e.world import World, new_world


@pytest.fixture(scope="module")
def world(
    request: pytest.FixtureRequest,
    lab: Path,
    commands: CommandServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    """A gateway for the sites of the parameter; for both without one."""
    sites = getattr(request, "param", ("paris", "tokyo"))
    folder = tmp_path_factory.mktemp("-".join(sites))
    with new_world(lab, folder, sites, commands) as world:
        yield world


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure shows what the gateway has logged."""
    report = yield
    world = getattr(item, "funcargs", {}).get("world")
    if report.failed and isinstance(world, World):
        report.sections.append(("log of the gateway", world.gateway.log_tail(25)))
    return report
