"""Where things are to be that are made while `sharing` is eager: wherever there is a daemon."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from adapters.registry import all_services
from federator.asker import Question
from federator.call import Call
from federator.faults import Conflict
from federator.plan import NOWHERE, Whereabouts
from federator.sharing.sharing import Sharing
from federator.sharing.wanted import Wanted
from idmap.front import IdMap
from idmap.memory import MemoryIdStore
from idmap.memory_desired import MemoryDesiredStore
from idmap.sites import SiteKey

SITES = ("paris", "tokyo", "denver")
NETWORK = all_services()["network"]
CALL = Call("POST", NETWORK, NETWORK.resource("network"), "/networks")
NEW = Question(CALL, None, cast(Any, None), NOWHERE, "req-1")


async def sharing(*daemons: str, eager: bool = True) -> Sharing:
    """The gateway's part, where these sites have or had daemons."""
    store = MemoryDesiredStore()
    ids = IdMap(MemoryIdStore([SiteKey.of(site) for site in SITES], ()))
    for site in daemons:
        async with store.lead(site, 1):
            pass
    anchor = cast(Any, SimpleNamespace(wanted=Wanted(store, ids)))
    nobody = cast(Any, None)
    return Sharing(anchor, nobody, nobody, nobody, SITES, "paris", 1, nobody, eager)


@pytest.mark.parametrize(
    ("daemons", "wanted"),
    [
        (SITES, SITES),
        (("paris", "tokyo"), ("paris", "tokyo")),
        (("paris",), ()),
        ((), ()),
    ],
)
async def test_a_site_whose_daemon_comes_later_keeps_nothing_from_the_others(
    daemons: tuple[str, ...], wanted: tuple[str, ...]
) -> None:
    assert await (await sharing(*daemons)).span(NEW) == wanted
    assert await (await sharing(*daemons, eager=False)).span(NEW) == ()


async def test_one_that_is_named_and_has_no_daemon_is_refused() -> None:
    named = Whereabouts(zone_sites=frozenset({"paris", "denver"}))
    with pytest.raises(Conflict, match="denver has no daemon"):
        await (await sharing("paris", "tokyo")).span(replace(NEW, where=named))
