"""Requests that are sent twice and done once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson
import pytest
import redis
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy

from adapters.errors import (
    Crowded,
    HomeUnreachable,
    InvalidToken,
    NameNotCarried,
    SiteSilent,
)
from adapters.identity import Identity
from adapters.registry import all_services
from adapters.seal import Seal
from federator.call import Call
from federator.faults import BadRequest, Conflict, SiteMissing, Timeout, Unprocessable
from federator.idempotency import Idempotency
from idmap.notes import RedisNotes
from idmap.store import StoreUnavailable
from tests.session.people import make_identity

SECRET = b"s" * 32
COMPUTE = all_services()["compute"]


@pytest.fixture
async def notes(redis_url: str) -> AsyncIterator[RedisNotes]:
    notes = RedisNotes(redis_url)
    yield notes
    await notes.close()


class Site:
    """Makes a new thing each time it is asked, or fails."""

    def __init__(self, fault: Exception | None = None, status: int = 202, **body: Any) -> None:
        self.asked = 0
        self.outcome: dict[str, Any] | None = None
        self.fault, self.status, self.body = fault, status, body
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()
        self.go_on.set()

    async def do(self) -> web.Response:
        self.asked += 1
        number = self.asked
        self.begun.set()
        await self.go_on.wait()
        if self.fault is not None:
            raise self.fault
        return web.Response(
            status=self.status,
            body=orjson.dumps(self.outcome or {"server": {"id": f"id-{number}", **self.body}}),
            headers={"Content-Type": "application/json", "Location": f"/servers/{number}"},
        )


def _call(name: str = "web", path: str = "/servers", **headers: str) -> Call:
    return Call(
        "POST",
        COMPUTE,
        COMPUTE.resource("server"),
        path,
        headers=CIMultiDictProxy(CIMultiDict(headers)),
        raw=orjson.dumps({"server": {"name": name}}),
    )


Ask = Callable[..., Any]


@pytest.fixture
def ask(notes: RedisNotes) -> Ask:
    async def ask(
        site: Site,
        key: str = "a-key",
        call: Call | None = None,
        who: Identity | None = None,
        secret: bytes | None = SECRET,
    ) -> Any:
        seal = Seal(secret, "answers") if secret is not None else None
        return await Idempotency(notes, seal).once(
            key, call or _call(), who or make_identity(), "req-1", site.do
        )

    return ask


async def test_the_same_request_is_done_once_and_answered_twice(ask: Ask) -> None:
    site = Site()
    first, second = await ask(site), await ask(site)
    assert site.asked == 1
    assert (second.status, second.body) == (first.status, first.body)
    assert second.headers["Location"] == "/servers/1"
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"


async def test_quotes_around_a_key_mean_nothing(ask: Ask) -> None:
    site = Site()
    await ask(site, "a-key")
    await ask(site, '"a-key"')
    assert site.asked == 1


@pytest.mark.parametrize(
    "key", ["", '""', "x" * 256, "caf\N{LATIN SMALL LETTER E WITH ACUTE}", "a\tb"]
)
async def test_what_is_no_key_is_refused(ask: Ask, key: str) -> None:
    site = Site()
    with pytest.raises(BadRequest):
        await ask(site, key)
    assert site.asked == 0


async def test_other_keys_users_and_projects_have_nothing_in_common(ask: Ask) -> None:
    site = Site()
    await ask(site)
    await ask(site, "another-key")
    await ask(site, who=make_identity(user_id="b" * 32))
    await ask(site, who=make_identity(project_id="c" * 32))
    assert site.asked == 4


async def test_nor_have_logins_with_other_rights(ask: Ask) -> None:
    site = Site()
    await ask(site, who=make_identity(roles=frozenset({"member", "reader"})))
    await ask(site, who=make_identity(roles=frozenset({"reader"})))
    await ask(site, who=make_identity(application_credential_id="d" * 32))
    assert site.asked == 3


@pytest.mark.parametrize(
    "other",
    [
        _call("another name"),
        _call(path="/servers/x/action"),
        _call(**{"X-Federation-Site": "tokyo"}),
        _call(**{"OpenStack-API-Version": "compute 2.37"}),
    ],
)
async def test_another_request_with_the_same_key_is_refused(ask: Ask, other: Call) -> None:
    site = Site()
    await ask(site)
    with pytest.raises(Unprocessable):
        await ask(site, call=other)
    assert site.asked == 1


async def test_while_the_first_is_under_way_the_second_is_refused(ask: Ask) -> None:
    site = Site()
    site.go_on.clear()
    first = asyncio.create_task(ask(site))
    await site.begun.wait()
    with pytest.raises(Conflict):
        await ask(site)
    site.go_on.set()
    assert (await first).status == 202
    assert site.asked == 1


async def test_of_many_at_once_one_is_done(ask: Ask) -> None:
    site = Site()
    outcomes = await asyncio.gather(*(ask(site) for _ in range(20)), return_exceptions=True)
    assert site.asked == 1
    assert all(isinstance(each, web.Response | Conflict) for each in outcomes)


async def test_what_nobody_knows_the_outcome_of_is_never_done_again(ask: Ask) -> None:
    site = Site(Timeout("no answer; look before you repeat it (req-1)."))
    with pytest.raises(Timeout):
        await ask(site)
    with pytest.raises(Timeout, match="req-1"):
        await ask(site)
    assert site.asked == 1


async def test_after_a_refusal_the_key_is_free_again(ask: Ask) -> None:
    site = Site(status=403)
    assert [(await ask(site)).status for _ in range(2)] == [403, 403]
    assert site.asked == 2


@pytest.mark.parametrize(
    "error",
    [
        SiteMissing("away"),
        InvalidToken("revoked"),
        HomeUnreachable("away"),
        Crowded("later"),
        NameNotCarried("paris", "a name with a control character"),
        StoreUnavailable("away"),
    ],
)
async def test_and_after_whatever_kept_it_from_being_sent(ask: Ask, error: Exception) -> None:
    site = Site(error)
    with pytest.raises(type(error)):
        await ask(site)
    site.fault = None
    assert (await ask(site)).status == 202
    assert site.asked == 2


@pytest.mark.parametrize("error", [SiteSilent("paris", "no answer"), KeyError("a fault of ours")])
async def test_of_an_error_that_says_nothing_nobody_waits_for_the_end(
    ask: Ask, error: Exception
) -> None:
    site = Site(error)
    with pytest.raises(type(error)):
        await ask(site)
    with pytest.raises(Timeout, match="req-1"):
        await ask(site)
    assert site.asked == 1


async def test_an_error_that_may_have_left_something_is_answered_again(ask: Ask) -> None:
    site = Site(status=500)
    assert [(await ask(site)).status for _ in range(2)] == [500, 500]
    assert site.asked == 1


@pytest.mark.parametrize("secret", ["adminPass", "auth_key"])
async def test_passwords_are_not_kept(ask: Ask, secret: str) -> None:
    site = Site(name="web", **{secret: "hidden"})
    assert b"hidden" in (await ask(site)).body
    again = orjson.loads((await ask(site)).body)
    assert again == {"server": {"id": "id-1", "name": "web"}}


def _everything(redis_url: str) -> bytes:
    with redis.Redis.from_url(redis_url) as client:
        names = client.keys("federator:note:*")
        assert names
        return b"".join(client.mget(names))


async def test_an_answer_is_sealed(ask: Ask, redis_url: str) -> None:
    site = Site(url="https://console/?token=hidden")
    first, second = await ask(site), await ask(site)
    assert b"hidden" in second.body
    assert orjson.loads(second.body) == orjson.loads(first.body)
    assert b"hidden" not in _everything(redis_url)


async def test_so_is_what_is_asked_while_it_is_under_way(ask: Ask, redis_url: str) -> None:
    site = Site()
    site.go_on.clear()
    first = asyncio.create_task(ask(site))
    await site.begun.wait()
    assert b"mark" not in _everything(redis_url)
    site.go_on.set()
    await first


async def test_what_was_kept_with_another_secret_is_never_done_again(ask: Ask) -> None:
    site = Site()
    await ask(site)
    for other in (b"t" * 32, None):
        with pytest.raises(Timeout):
            await ask(site, secret=other)
    assert site.asked == 1


async def test_without_a_secret_only_ids_are_kept(ask: Ask, redis_url: str) -> None:
    site = Site(name="hidden", metadata={"id": "hidden"})
    await ask(site, secret=None)
    second = await ask(site, secret=None)
    assert orjson.loads(second.body) == {"server": {"id": "id-1"}}
    assert (second.status, second.headers["Location"]) == (202, "/servers/1")
    assert b"hidden" not in _everything(redis_url)
    assert site.asked == 1


@pytest.mark.parametrize("outcome", ["hidden", {"url": "hidden"}, ["hidden"], [{"url": "hidden"}]])
async def test_without_a_secret_and_an_id_the_second_is_told_that_it_was_done(
    ask: Ask, redis_url: str, outcome: Any
) -> None:
    site = Site(status=200)
    site.outcome = {"remote_console": outcome}
    await ask(site, secret=None)
    with pytest.raises(Conflict, match=r"status 200 \(req-1\)"):
        await ask(site, secret=None)
    assert b"hidden" not in _everything(redis_url)
    assert site.asked == 1


@pytest.mark.parametrize("made", [{"id": "x"}, {"networks": [{"id": "x"}, {"id": "y"}]}])
async def test_ids_are_found_where_services_write_them(ask: Ask, made: dict[str, Any]) -> None:
    site = Site()
    site.outcome = made
    await ask(site, secret=None)
    assert orjson.loads((await ask(site, secret=None)).body) == made
