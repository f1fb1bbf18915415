"""What goes wrong once a site has answered is no reason for a client to ask again: it would be done twice."""

from typing import Any, cast

import orjson
import pytest

from adapters.registry import all_services
from federator.asker import Question
from federator.call import Call, SiteReply
from federator.faults import Timeout, nothing_was_done
from federator.plan import Whereabouts
from federator.sharing.anchor import Anchor
from federator.sharing.apart import Apart
from federator.sharing.fitness import Fitness
from federator.sharing.sharing import Sharing
from federator.sharing.wanted import Wanted
from idmap.desired import Desired
from idmap.memory_desired import MemoryDesiredStore
from idmap.store import StoreUnavailable
from tests.sharing.test_fitness import WHO

NETWORK = all_services()["network"]
NET, SUB = "5f0b9d1e-4f0c-5c56-9b3c-0d6f1c9a7a11", "0f0e0d0c-0b0a-4908-8706-050403020100"


class Away(MemoryDesiredStore):
    """Nothing can be written in it any more."""

    async def wake(self, sites: Any) -> None:
        raise StoreUnavailable("away")

    async def put(self, desired: Desired) -> Desired | None:
        raise StoreUnavailable("away")


class Site:
    """Makes what it is asked for, and shows it."""

    def __init__(self, kind: str) -> None:
        self.made, self.resource = 0, NETWORK.resource(kind)
        self.network = NETWORK

    @property
    def fanout(self) -> "Site":
        return self

    @property
    def asker(self) -> "Site":
        return self

    @property
    def locator(self) -> "Site":
        return self

    @property
    def item(self) -> dict[str, Any]:
        return {"id": SUB, "network_id": NET, "project_id": WHO.project_id}

    async def ask(self, question: Question, site: str) -> SiteReply:
        self.made += 1
        body = {self.resource.key: self.item}
        return SiteReply(site, 201, body=body, raw=orjson.dumps(body))

    async def body(self, path: str, *asked: Any) -> Any:
        return {self.resource.key: self.item, "subnets": [], "ports": []}

    async def places(self, kind: str, ids: Any, who: Any) -> dict[str, dict[str, str]]:
        return {each: {"paris": each} for each in ids}

    def anchors(self, kind: str, ids: Any) -> dict[str, str]:
        return dict.fromkeys(ids, "paris")

    async def site_token(self, who: Any, site: str) -> None:
        pass


class Ids:
    """All that is asked for is known."""

    complete, state = True, None

    @property
    def pins(self) -> Any:
        class Pins(list[Any]):
            def pin(self, kind: str, global_id: str) -> Any:
                return type("Pin", (), {"origin": "shared", "anchor": "paris"})

        return Pins()

    @property
    def store(self) -> Any:
        return None

    async def locate(self, ids: Any) -> Any:
        return type("Lookup", (), {"found": {}})

    async def refresh(self) -> None:
        pass


def sharing(site: Site, store: MemoryDesiredStore) -> Sharing:
    wanted = Wanted(store, cast(Any, Ids()))
    apart = Apart(store, {}, {})
    fitness = Fitness(wanted, cast(Any, site), apart, 1)
    anchor = Anchor(wanted, cast(Any, site), cast(Any, None), fitness, 1)
    nobody = cast(Any, None)
    return Sharing(anchor, nobody, nobody, nobody, ("paris", "tokyo"), "paris", 1, nobody)


def question(kind: str) -> Question:
    resource = NETWORK.resource(kind)
    call = Call("POST", NETWORK, resource, resource.path, body={resource.key: {"network_id": NET}})
    where = Whereabouts(body={NET: {"paris": NET}}, kinds={NET: "network"}, anchors={NET: "paris"})
    return Question(call, None, WHO, where, "req-1")


async def test_a_daemon_that_cannot_be_woken_is_no_reason_to_make_a_port_again() -> None:
    site = Site("port")
    asked = question("port")
    await sharing(site, Away()).answered(asked, await site.ask(asked, "paris"))


async def test_of_what_is_made_and_not_brought_to_other_sites_it_is_said_that_it_is_made() -> None:
    site = Site("network")
    with pytest.raises(Timeout, match="req-1") as fault:
        await sharing(site, Away()).made_at(("paris", "tokyo"), question("network"), "paris")
    assert (site.made, nothing_was_done(fault.value)) == (1, False)


async def test_so_it_is_of_a_part() -> None:
    site, store = Site("subnet"), Away()
    store._desired[NET] = Desired(NET, "network", "a", "paris", frozenset({"paris", "tokyo"}), {})
    with pytest.raises(Timeout, match="req-1") as fault:
        await sharing(site, store).anchor.change(question("subnet"), "paris")
    assert (site.made, nothing_was_done(fault.value)) == (1, False)
