"""Who is next, when more want to log in than can."""

import asyncio
import threading
from collections import Counter

import pytest

from adapters import turns
from adapters.errors import Crowded
from adapters.registry import all_services
from adapters.spec import Service
from adapters.turns import Turns
from federator.faults import fault_of


class Work:
    """Holds a place until it is let go, and writes down in which order places were given."""

    def __init__(self, queue: Turns) -> None:
        self.queue = queue
        self.order: list[str] = []
        self.at_once = self.most = 0

    async def __call__(self, user: str, seconds: float = 0.0) -> None:
        async with self.queue.of(user):
            self.order.append(user)
            self.at_once += 1
            self.most = max(self.most, self.at_once)
            try:
                await asyncio.sleep(seconds)
            finally:
                self.at_once -= 1


async def test_a_tenant_with_many_logins_does_not_starve_the_others() -> None:
    work = Work(Turns("home", 2, 10))
    many = [asyncio.create_task(work("greedy")) for _ in range(60)]
    await asyncio.sleep(0)
    few = [asyncio.create_task(work(f"modest-{number}")) for number in range(5)]
    await asyncio.gather(*many, *few)
    last = max(index for index, user in enumerate(work.order) if user != "greedy")
    assert last < 2 + 2 * 5 + 2
    assert Counter(work.order)["greedy"] == 60
    assert work.most == 2
    assert work.queue.waiting == 0


async def test_each_gets_his_turn_in_the_order_in_which_he_came() -> None:
    work = Work(Turns("home", 1, 10))
    tasks = [asyncio.create_task(work(user)) for user in ("x", "a", "a", "b", "a", "c")]
    await asyncio.gather(*tasks)
    assert work.order == ["x", "a", "b", "c", "a", "a"]


async def test_a_line_that_is_full_is_said_at_once_and_to_that_user_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "_LONGEST_LINE", 3)
    work = Work(Turns("home", 1, 10))
    tasks = [asyncio.create_task(work("greedy")) for _ in range(4)]
    await asyncio.sleep(0)
    with pytest.raises(Crowded):
        await work("greedy")
    await work("modest")
    await asyncio.gather(*tasks)
    await work("greedy")


async def test_all_lines_together_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_MOST_WAITING", 3)
    work = Work(Turns("home", 1, 10))
    tasks = [asyncio.create_task(work(f"u{number}")) for number in range(4)]
    await asyncio.sleep(0)
    with pytest.raises(Crowded):
        await work("one more")
    await asyncio.gather(*tasks)


async def test_who_waits_too_long_is_told_and_takes_no_place() -> None:
    work = Work(Turns("home", 1, 0.01))
    holder = asyncio.create_task(work("slow", 0.1))
    await asyncio.sleep(0)
    with pytest.raises(Crowded):
        await work("late")
    assert work.queue.waiting == 0
    await holder
    await work("late")


async def test_who_gives_up_takes_no_place_at_whatever_moment() -> None:
    queue = Turns("home", 2, 10)
    work = Work(queue)
    for after in range(12):
        tasks = [asyncio.create_task(work(f"u{number % 3}")) for number in range(9)]
        for _ in range(after):
            await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert queue.waiting == 0
        # Both places are there again.
        both = [asyncio.create_task(work(user, 0.001)) for user in ("a", "b")]
        work.most = 0
        await asyncio.gather(*both)
        assert work.most == 2


async def test_threads_stand_in_the_same_line() -> None:
    queue = Turns("home", 1, 10)
    loop = asyncio.get_running_loop()
    inside: list[int] = []
    most = 0

    def work(number: int) -> None:
        nonlocal most
        with queue.in_thread(f"u{number}", loop):
            inside.append(number)
            most = max(most, len(inside))
            threading.Event().wait(0.005)
            inside.remove(number)

    await asyncio.gather(*(asyncio.to_thread(work, number) for number in range(8)))
    assert most == 1
    async with queue.of("last"):
        assert queue.waiting == 0


class Busy(Turns):
    """Their loop does something else until the thread has given up, and hands out the place then."""

    def __init__(self) -> None:
        super().__init__("home", 1, 0.01)
        self.given_up = threading.Event()

    async def _enter(self, user_id: str) -> None:
        if user_id == "thread":
            assert self.given_up.wait(20)
        await super()._enter(user_id)


async def test_a_thread_that_gave_up_keeps_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_CONSIDERATION", 0.0)
    queue, loop = Busy(), asyncio.get_running_loop()

    def work() -> None:
        try:
            with pytest.raises(Crowded), queue.in_thread("thread", loop):
                pass
        finally:
            queue.given_up.set()

    await asyncio.to_thread(work)
    async with queue.of("next"):
        assert queue.waiting == 0


@pytest.mark.parametrize("service", all_services().values(), ids=lambda service: service.type)
def test_every_service_says_it_in_its_own_form_and_when_to_come_back(service: Service) -> None:
    answer = fault_of(Crowded("too many logins wait for home")).response(service.faults)
    assert answer.status == 503
    assert answer.headers["Retry-After"].isdigit()
    assert "Too many logins" in str(answer.text)
