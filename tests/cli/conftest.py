"""A Redis, a gateway on it, and somebody who uses it: for the commands that need a federation that runs."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.adversarial.gateways import SITES, GatewayProcess, RedisServer
from tests.cli.command import settings_file
from tests.e2e.api import Api
from tests.e2e.people import People, new_people


@dataclass(frozen=True)
class Desk:
    """What runs, and the settings file that every command here is given."""

    lab: Path
    folder: Path
    redis: RedisServer
    gateway: GatewayProcess
    people: People
    config: Path

    def login(self, gateway: GatewayProcess | None = None) -> Api:
        """The member, logged in at a gateway."""
        url = (gateway or self.gateway).url
        return Api({**self.people.auth, "auth_url": f"{url}/identity/v3"}, "federation")


@pytest.fixture(scope="package")
def desk(lab: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A gateway that is ready. None of what it logs may hold a token, whatever the tests do."""
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("desk")
        redis = RedisServer(folder)
        redis.start()
        stack.callback(redis.kill)
        gateway = GatewayProcess(lab, folder, redis.url)
        stack.callback(gateway.kill)
        gateway.start()
        people = stack.enter_context(new_people(lab, SITES))
        settings: dict[str, Any] = {"clouds": str(lab), "sites": list(SITES), "redis": redis.url}
        settings["read_timeout_seconds"] = 30  # a busy machine is no site that is away
        config = settings_file(folder / "federator.yaml", settings)
        yield Desk(lab, folder, redis, gateway, people, config)
        gateway.stop()
        assert not gateway.complaints()


@pytest.fixture
def member(desk: Desk) -> Iterator[Api]:
    """The member, logged in at the gateway."""
    api = desk.login()
    yield api
    api.close()
