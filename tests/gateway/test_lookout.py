"""When equal objects are looked for: what a request has just seen at two sites is one in its answer."""

import asyncio
from dataclasses import dataclass, field
from time import monotonic

import pytest

from federator.upkeep import lookout
from federator.upkeep.lookout import Lookout
from idmap.front import IdMap
from idmap.memory import MemoryIdStore
from idmap.store import StoreUnavailable


@dataclass(slots=True)
class Looks(Lookout):
    """What is there when a look begins is what it sees; it ends when it may."""

    there: list[str] = field(default_factory=list)
    seen: list[list[str]] = field(default_factory=list)
    may_end: asyncio.Event = field(default_factory=asyncio.Event)
    broken: bool = False

    async def look(self) -> None:
        here = list(self.there)
        await self.may_end.wait()
        if self.broken:
            raise StoreUnavailable("no Redis")
        self.seen.append(here)


def looks() -> Looks:
    looks = Looks({}, {}, IdMap(MemoryIdStore((), ())))
    looks.may_end.set()
    return looks


async def test_a_look_that_began_before_the_lists_were_read_does_not_count() -> None:
    it = looks()
    it.may_end.clear()
    first = asyncio.ensure_future(it.look_alone())
    await asyncio.sleep(0)
    # Between the beginning of this look and the end of the lists Neutron has made a group.
    it.there.append("default")
    read = monotonic()
    second = asyncio.ensure_future(it.look_after(read))
    third = asyncio.ensure_future(it.look_after(read))
    await asyncio.sleep(0)
    it.may_end.set()
    await asyncio.gather(first, second, third)
    # The third one has been served by the look of the second.
    assert it.seen == [[], ["default"]]


async def test_another_process_is_waited_for() -> None:
    it = looks()
    async with it.ids.store.rebuild_lock():
        assert not await it.look_alone()
        task = asyncio.ensure_future(it.look_after(monotonic()))
        done, _ = await asyncio.wait([task], timeout=0.3)
        assert not done
    await task
    assert it.seen == [[]]


async def test_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookout, "_PATIENCE_SECONDS", 0.2)
    it = looks()
    async with it.ids.store.rebuild_lock():
        await it.look_after(monotonic())
    assert it.seen == []


async def test_a_look_that_came_to_nothing_does_not_count() -> None:
    it, moment = looks(), monotonic()
    it.broken = True
    with pytest.raises(StoreUnavailable):
        await it.look_after(moment)
    it.broken = False
    await it.look_after(moment)
    assert it.seen == [[]]
