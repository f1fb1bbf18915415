"""Which requests end logins, and that every process learns of it."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from adapters.endings import Ending, Endings, What
from federator.identity.endings import ended_by
from idmap.news import RedisNews
from tests.idmap.worlds import Server, eventually

U, P, R = "11aa", "22bb", "33cc"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize(
    ("request_line", "ending"),
    [
        ("DELETE auth/tokens", Ending.of_token("t")),
        (f"POST users/{U}/password", (What.USER, U)),
        (f"PATCH users/{U}", (What.USER, U)),
        (f"DELETE users/{U}", (What.USER, U)),
        (f"DELETE users/{U}/application_credentials/ac", (What.USER, U)),
        (f"DELETE groups/g/users/{U}", (What.USER, U)),
        (f"DELETE projects/{P}/users/{U}/roles/{R}", (What.USER, U)),
        (f"PUT projects/{P}/users/{U}/roles/{R}", (What.USER, U)),
        (f"DELETE domains/d/users/{U}/roles/{R}", (What.USER, U)),
        (f"DELETE system/users/{U}/roles/{R}", (What.USER, U)),
        (
            f"DELETE OS-INHERIT/projects/{P}/users/{U}/roles/{R}/inherited_to_projects",
            (What.USER, U),
        ),
        (f"PATCH projects/{P}", (What.PROJECT, P)),
        (f"DELETE projects/{P}", (What.PROJECT, P)),
        (f"DELETE projects/{P}/groups/g/roles/{R}", (What.PROJECT, P)),
        ("PATCH domains/d", (What.ANYTHING, "")),
        ("DELETE groups/g", (What.ANYTHING, "")),
        (f"DELETE roles/{R}", (What.ANYTHING, "")),
        (f"DELETE domains/d/groups/g/roles/{R}", (What.ANYTHING, "")),
        (
            f"DELETE OS-INHERIT/domains/d/groups/g/roles/{R}/inherited_to_projects",
            (What.ANYTHING, ""),
        ),
        (f"DELETE roles/{R}/implies/x", (What.ANYTHING, "")),
    ],
)
def test_what_ends_logins(request_line: str, ending: tuple[What, str]) -> None:
    method, path = request_line.split()
    assert ended_by(method, f"/v3/{path}", "t") == ending


@pytest.mark.parametrize(
    "request_line",
    [
        "GET auth/tokens",
        "POST auth/tokens",
        f"GET users/{U}",
        "POST users",
        "POST projects",
        f"PUT projects/{P}/tags/x",
        f"POST users/{U}/application_credentials",
        f"HEAD projects/{P}/users/{U}/roles/{R}",
    ],
)
def test_what_ends_none(request_line: str) -> None:
    method, path = request_line.split()
    assert ended_by(method, f"/v3/{path}", "t") is None


class Home:
    """Stands for the client of home of one process."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def forget_hash(self, token_sha256: str) -> None:
        bytes.fromhex(token_sha256)
        self.told.append(token_sha256)

    def doubt(self, **concerned: str) -> None:
        self.told.append(concerned)


class Process:
    """One gateway process, as far as this goes."""

    def __init__(self, url: str) -> None:
        self.home, self.news = Home(), RedisNews(url)
        self.endings = Endings(self.home, self.news)  # type: ignore[arg-type]

    async def __aenter__(self) -> "Process":
        self._task = asyncio.create_task(self.endings.listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        while not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task], timeout=0.1)
        with suppress(Exception):
            await self.news.close()

    async def hears(self, other: "Process") -> None:
        """Until what the other one tells is heard here."""

        async def tell() -> None:
            while True:
                await other.news.tell(f"x user {id(self)}".encode())
                await asyncio.sleep(0.05)

        task = asyncio.create_task(tell())
        await eventually(lambda: {"user_id": str(id(self))} in self.home.told)
        task.cancel()
        await asyncio.sleep(0.1)
        self.home.told.clear()


async def test_each_process_learns_what_ended_in_another_and_does_it_once_itself(
    redis_url: str,
) -> None:
    async with Process(redis_url) as one, Process(redis_url) as two:
        await one.hears(two)
        await two.hears(one)
        one.home.told.clear()
        said = [
            Ending.of_token("secret-token"),
            Ending(What.USER, U),
            Ending(What.PROJECT, P),
            Ending(What.ANYTHING),
        ]
        for ending in said:
            await one.endings.happened(ending)
        expected = [said[0].id, {"user_id": U}, {"project_id": P}, {}]
        await eventually(lambda: len(two.home.told) == 4)
        assert one.home.told == two.home.told == expected
        assert "secret-token" not in str(two.home.told)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"x",
        b"x token",
        b"x token zz",
        b"x token \xff",
        b"x nothing 1",
        b"x user a b",
        b"\0" * 99,
    ],
)
async def test_news_that_make_no_sense_do_nothing(redis_url: str, message: bytes) -> None:
    async with Process(redis_url) as one, Process(redis_url) as two:
        await one.hears(two)
        await two.news.tell(message)
        await two.endings.happened(Ending(What.USER, U))
        await eventually(lambda: {"user_id": U} in one.home.told)
        assert one.home.told == [{"user_id": U}]


async def test_listening_goes_on_after_redis_was_away(server: Server) -> None:
    async with Process(server.url) as one, Process(server.url) as two:
        await one.hears(two)
        server.stop()
        await two.endings.happened(Ending(What.USER, U))  # tells nobody, harms nobody
        assert two.home.told[-1] == {"user_id": U}
        server.start()
        await one.hears(two)
