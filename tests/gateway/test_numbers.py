"""What is read of a project's numbers for when their site is away."""

from typing import Any, cast

import orjson
import pytest

from adapters.account import Account
from adapters.breakers import Breakers
from adapters.names import Site
from adapters.registry import all_services, id_rules
from federator.lastknown.usage import known_from
from federator.notice import NUMBERS, Notice
from federator.upkeep.numbers import Numbers
from idmap.front import IdMap
from idmap.ids import global_uuid
from idmap.memory import MemoryIdStore
from idmap.memory_records import MemoryRecordStore
from idmap.sites import SiteKey

TOKYO = SiteKey.of("tokyo")
OURS, LOCAL = "a" * 32, "c" * 32
SERVER = "0f0e0d0c-0b0a-4908-8706-050403020100"
NAME = f"compute /os-simple-tenant-usage/{OURS}?"
USAGE = {"tenant_id": LOCAL, "server_usages": [{"instance_id": SERVER, "tenant_id": LOCAL}]}
MORE = {"tenant_usage_links": [{"rel": "next", "href": "http://tokyo"}]}


class Nova:
    """Tells what was used, to the gateway's account."""

    def __init__(self, **more: Any) -> None:
        self.more = more
        self.asked: list[tuple[str, str | None]] = []

    async def get(
        self, service: str, path: str, *, microversion: str | None = None
    ) -> tuple[int, Any]:
        if "/os-simple-tenant-usage/" not in path:
            return 404, None
        self.asked.append((path, microversion))
        return 200, {"tenant_usage": USAGE, **self.more}


@pytest.mark.parametrize("more", [{}, MORE], ids=["all of it", "a first page"])
async def test_usage_is_kept_in_our_ids_if_it_is_whole(more: dict[str, Any]) -> None:
    store, records, nova = MemoryIdStore([TOKYO], []), MemoryRecordStore(["tokyo"]), Nova(**more)
    notice = Notice(records, store)
    notice._projects["tokyo", OURS] = LOCAL
    before = orjson.dumps([1, {"tenant_usage": {}}])
    await store.put_documents(NUMBERS, OURS, {NAME: before}, site="tokyo")
    ids = IdMap(store)
    await ids.refresh()

    await Numbers(
        {"compute": all_services()["compute"]},
        {"tokyo": Site(TOKYO.name, TOKYO.namespace, TOKYO.number)},
        {"tokyo": cast(Account, nova)},
        id_rules(),
        ids,
        records,
        Breakers(_nobody),
        notice,
        300,
    ).look()

    kept = (await store.documents(NUMBERS, OURS, site="tokyo")).get(NAME)
    if more:
        assert kept is None
        return
    assert kept is not None
    seen, body = orjson.loads(kept)
    (asked,) = nova.asked
    start = f"{known_from(seen):%Y-%m-%dT%H:%M:%S}"
    assert asked == (f"/v2.1/os-simple-tenant-usage/{LOCAL}?start={start}", "2.40")
    ours = global_uuid(TOKYO.namespace, SERVER)
    assert body["tenant_usage"]["tenant_id"] == OURS
    assert body["tenant_usage"]["server_usages"] == [{"instance_id": ours, "tenant_id": OURS}]
    # The way back is there before anybody sees the ID.
    assert ours in (await ids.locate([ours])).found


async def _nobody(site: str, service: str) -> bool:
    return False
