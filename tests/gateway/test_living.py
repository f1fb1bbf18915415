"""What goes on in the background goes on, whatever happens to it."""

import asyncio

import orjson
import pytest
from structlog.testing import capture_logs

from adapters.extensions import Extensions
from adapters.probe import Probe
from federator.living import kept_going
from federator.upkeep.acquaintance import DOCUMENTS, ENDPOINTS, Acquaintance
from idmap.memory import MemoryIdStore
from idmap.sites import SiteKey


async def test_what_ends_by_an_error_is_told_and_begun_again() -> None:
    begun, third = 0, asyncio.Event()

    async def work() -> None:
        nonlocal begun
        begun += 1
        if begun < 3:
            raise ValueError("a broken document")
        third.set()
        await asyncio.Event().wait()

    with capture_logs() as logs:
        task = asyncio.create_task(kept_going(work, pause=0))
        await asyncio.wait_for(third.wait(), 20)
    assert [each["log_level"] for each in logs] == ["error", "error"]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert begun == 3


async def test_a_broken_document_keeps_nobody_from_knowing_the_other_sites() -> None:
    async def unasked(site: str, url: str) -> tuple[int, bytes]:
        raise AssertionError

    names = ["paris", "tokyo"]
    store = MemoryIdStore(map(SiteKey.of, names), [])
    await store.put_documents(DOCUMENTS, "", {ENDPOINTS: b"{", "compute": b"[1]"}, site="paris")
    urls = {"compute": "http://tokyo.example.org"}
    await store.put_documents(DOCUMENTS, "", {ENDPOINTS: orjson.dumps(urls)}, site="tokyo")
    endpoints: dict[str, dict[str, str]] = {name: {} for name in names}

    await Acquaintance(endpoints, {}, Probe(unasked, endpoints, []), Extensions({}), store).recall()

    assert endpoints == {"paris": {}, "tokyo": urls}
