"""IDs that clients choose: whose they are, and from when to when."""

import asyncio
from collections.abc import Iterable
from uuid import uuid4

import pytest
from aiohttp import web

from adapters.errors import Crowded, InvalidToken
from adapters.registry import all_services
from federator.call import Call
from federator.chosen_ids import chosen_id, made_with_it
from federator.faults import Conflict, Forbidden, SiteMissing, Timeout
from idmap.front import IdMap
from idmap.memory import MemoryIdStore
from idmap.sites import SiteKey
from idmap.store import Pin, StoreState, StoreUnavailable

IMAGE = all_services()["image"]
OWN = str(uuid4())
PARIS = SiteKey.of("paris")


class Slow(MemoryIdStore):
    """Gives others their turn before it writes, as a store does that is asked over a network."""

    async def put_pins(
        self,
        pins: Iterable[Pin],
        *,
        replace_origin: str | None = None,
        seen: StoreState | None = None,
    ) -> bool:
        await asyncio.sleep(0)
        return await super().put_pins(pins, replace_origin=replace_origin, seen=seen)


@pytest.fixture
def ids() -> IdMap:
    return IdMap(Slow([PARIS], []))


def _create(own_id: str = OWN) -> Call:
    return Call(
        "POST", IMAGE, IMAGE.resource("image"), "/images", body={"id": own_id, "name": "mine"}
    )


async def _made(
    ids: IdMap, outcome: int | Exception, request_id: str = "req-1", own_id: str = OWN
) -> web.Response:
    async def make() -> web.Response:
        await asyncio.sleep(0)
        if isinstance(outcome, Exception):
            raise outcome
        return web.Response(status=outcome)

    return await made_with_it(ids, _create(own_id), "paris", request_id, make)


async def _pinned(ids: IdMap) -> list[str]:
    return [pin.global_id for pin in await ids.store.pins()]


def test_only_creates_choose_and_only_uuids() -> None:
    assert chosen_id(_create()) == OWN
    assert chosen_id(_create("mine")) == ""


async def test_what_was_made_keeps_its_id(ids: IdMap) -> None:
    assert (await _made(ids, 201)).status == 201
    assert await _pinned(ids) == [OWN]
    with pytest.raises(Conflict):
        await _made(ids, 201)
    assert await _pinned(ids) == [OWN]


async def test_the_pin_is_there_before_the_site_is_asked(ids: IdMap) -> None:
    async def make() -> web.Response:
        assert ids.pins.places("image", OWN) == {"paris": OWN}
        return web.Response(status=201)

    await made_with_it(ids, _create(), "paris", "req-1", make)


@pytest.mark.parametrize(
    "error",
    [
        SiteMissing("away"),
        Forbidden("no such user"),
        Crowded("later"),
        InvalidToken("revoked"),
        StoreUnavailable("away"),
    ],
)
async def test_where_nothing_was_made_the_id_is_free(ids: IdMap, error: Exception) -> None:
    with pytest.raises(type(error)):
        await _made(ids, error)
    assert await _pinned(ids) == []
    assert (await _made(ids, 201)).status == 201


async def test_so_it_is_after_a_refusal(ids: IdMap) -> None:
    assert (await _made(ids, 403)).status == 403
    assert await _pinned(ids) == []


@pytest.mark.parametrize("error", [Timeout("no answer"), KeyError("a fault of ours")])
async def test_what_may_have_been_made_keeps_its_id(ids: IdMap, error: Exception) -> None:
    with pytest.raises(type(error)):
        await _made(ids, error)
    assert await _pinned(ids) == [OWN]


async def test_of_two_who_choose_one_id_at_once_one_gets_it(ids: IdMap) -> None:
    # Each in a process of its own; who comes second must not take the ID from the first.
    other = IdMap(ids.store)
    outcomes = await asyncio.gather(
        _made(ids, 201), _made(other, 409, "req-2"), return_exceptions=True
    )
    conflicts = [each for each in outcomes if isinstance(each, Conflict)]
    assert len(conflicts) == 1
    assert await _pinned(ids) == ([] if isinstance(outcomes[0], Conflict) else [OWN])


async def test_many_who_choose_their_own_at_once_all_get_them(ids: IdMap) -> None:
    chosen = [str(uuid4()) for _ in range(10)]
    await asyncio.gather(*(_made(ids, 201, own_id=each) for each in chosen))
    assert sorted(await _pinned(ids)) == sorted(chosen)


async def test_what_is_given_up_is_the_own_pin_only(ids: IdMap) -> None:
    async def lost_meanwhile() -> web.Response:
        # Redis lost its memory, and somebody else has the ID now.
        assert isinstance(ids.store, MemoryIdStore)
        ids.store.lose_everything()
        await _made(IdMap(ids.store), 201, "req-2")
        return web.Response(status=409)

    await made_with_it(ids, _create(), "paris", "req-1", lost_meanwhile)
    assert await _pinned(ids) == [OWN]
