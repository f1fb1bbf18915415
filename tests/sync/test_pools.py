"""One site's round: which calls it makes, and what it makes of answers that are not what they should be."""

from typing import Any

import pytest

from adapters.marks import REMOTE, marked
from sync.ipam.claims import claimed
from sync.ipam.ledger import Ledger
from sync.ipam.ranges import number, singles
from sync.patience import CLAIM, Patience
from sync.pools import FENCE, Round, Unread, keep_pools
from tests.sync.islands import ACCOUNT, SUBNET, Ground, Neutron, World


class Recorder:
    """A site that writes down what it is asked, and may be told to answer otherwise."""

    def __init__(self, neutron: Neutron) -> None:
        self.neutron = neutron
        self.asked: list[str] = []
        self.instead: dict[str, Any] = {}

    async def request(
        self, method: str, path: str, json: object = None, *, revision: int | None = None
    ) -> tuple[int, Any]:
        what = path.partition("?")[0].removeprefix("/v2.0/").replace(self.neutron.local_id, "S")
        word = f"{method} {what}"
        self.asked.append(word)
        if word in self.instead:
            answer = self.instead[word]
            return answer(path) if callable(answer) else answer
        return self.neutron.answer(method, path, json, revision)


class Scene:
    """paris has the whole subnet; its first round is behind it, so that a part of it is being released."""

    def __init__(self) -> None:
        self.world = World(Ground("10.0.0.0/24"), ["paris"])
        self.neutron = self.world.neutrons["paris"]
        self.site = Recorder(self.neutron)
        self.patience = Patience(clock=lambda: self.world.ground.now)

    async def round(self) -> tuple[list[str], Round]:
        self.site.asked = []
        done = await keep_pools(
            self.site,
            self.world.ledgers,
            self.patience,
            SUBNET,
            "paris",
            self.neutron.local_id,
            account=ACCOUNT,
        )
        return self.site.asked, done

    @property
    def ledger(self) -> Ledger:
        ledger = self.world.ledgers.now()
        assert ledger is not None
        return ledger

    def wait(self) -> None:
        self.world.ground.now += self.patience.grace


LOOK = ["GET subnets/S", "GET ports"]


async def test_a_release_takes_three_more_calls_and_then_one() -> None:
    scene = Scene()
    fence = f"PUT subnets/S/tags/{FENCE}:{scene.ledger.epoch}:2"

    asked, done = await scene.round()
    assert asked == [*LOOK, "PUT subnets/S", fence, "GET subnets/S"]
    assert done.again == scene.patience.grace
    assert not scene.ledger.stock()

    assert (await scene.round())[0] == LOOK, "it waits"
    scene.wait()
    asked, done = await scene.round()
    assert asked == [LOOK[0], LOOK[1], "GET network-ip-availabilities/net"]
    assert scene.ledger.stock()

    assert await scene.round() == (LOOK, Round()), "nothing is to be done"


async def test_the_next_fence_takes_the_place_of_the_last_one() -> None:
    scene = Scene()
    await scene.round()
    old = f"{FENCE}:of an earlier life:77"
    scene.neutron.tags |= {old, "the tenant's"}
    scene.neutron.tags -= {f"{FENCE}:{scene.ledger.epoch}:2"}

    asked, _ = await scene.round()

    assert f"DELETE subnets/S/tags/{old}" in asked
    assert scene.neutron.tags == {"the tenant's", f"{FENCE}:{scene.ledger.epoch}:2"}


async def test_pools_that_somebody_puts_back_begin_the_wait_anew() -> None:
    scene = Scene()
    await scene.round()
    right = scene.neutron.pools
    scene.wait()
    scene.neutron.pools = scene.world.ground.pools

    await scene.round()

    assert scene.neutron.pools == right
    assert not scene.ledger.stock()
    await scene.round()
    assert not scene.ledger.stock()
    scene.wait()
    await scene.round()
    assert scene.ledger.stock()


async def test_what_was_promised_to_another_site_waits_too_when_it_is_put_back() -> None:
    world = World(Ground("10.0.0.0/28"), ["paris", "tokyo"])
    for _ in range(4):
        world.round("paris")
        world.round("tokyo")
        world.ground.now += world.grace
    tokyo, paris = world.neutrons["tokyo"], world.neutrons["paris"]
    while not world.ledgers.now().releases("paris"):
        tokyo.commit(tokyo.choose(9))
        world.round("tokyo")
        before = paris.pools
        world.round("paris")
    assert [each.to for each in world.ledgers.now().releases("paris")] == ["tokyo"]
    world.ground.now += world.grace
    paris.pools = before

    for _ in range(2):
        world.round("paris")
        assert [each.to for each in world.ledgers.now().releases("paris")] == ["tokyo"]
    world.ground.now += world.grace
    world.round("paris")
    assert not world.ledgers.now().releases("paris")


async def test_a_process_that_has_just_begun_waits_anew() -> None:
    scene = Scene()
    await scene.round()
    scene.wait()
    scene.patience = Patience(clock=lambda: scene.world.ground.now)

    _, done = await scene.round()

    assert done.again == scene.patience.grace
    assert not scene.ledger.stock()


async def test_whoever_was_overtaken_looks_again_at_once() -> None:
    scene = Scene()
    scene.site.instead["PUT subnets/S"] = (412, {"NeutronError": {}})
    asked, done = await scene.round()
    assert done.again == 0
    assert asked[-1] == "PUT subnets/S", "no fence for what has not been done"


async def test_a_site_that_does_not_take_the_pools_is_told_of() -> None:
    scene = Scene()
    scene.site.instead["PUT subnets/S"] = (409, "GatewayConflictWithAllocationPools")
    asked, done = await scene.round()
    assert done.refused == "409: GatewayConflictWithAllocationPools"
    assert asked[-1] == "PUT subnets/S"


@pytest.mark.parametrize("call", ["GET subnets/S", "GET ports"])
@pytest.mark.parametrize("status", [401, 403, 404, 500, 503])
async def test_what_is_not_answered_is_not_known(call: str, status: int) -> None:
    scene = Scene()
    scene.site.instead[call] = (status, {})
    before = scene.ledger
    with pytest.raises(Unread):
        await scene.round()
    assert scene.ledger == before


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ("GET subnets/S", None),
        ("GET subnets/S", {"subnet": {}}),
        ("GET subnets/S", {"subnet": {"allocation_pools": [{"start": "x"}], "revision_number": 1}}),
        ("GET subnets/S", {"subnet": {"allocation_pools": [], "revision_number": None}}),
        ("GET ports", "a page of a login"),
        ("GET ports", {"ports": [{"id": "1"}]}),
        ("GET network-ip-availabilities/net", {"network_ip_availability": {}}),
        (
            "GET network-ip-availabilities/net",
            {"network_ip_availability": {"subnet_ip_availability": []}},
        ),
    ],
)
async def test_what_is_not_understood_is_not_known(call: str, body: Any) -> None:
    scene = Scene()
    await scene.round()
    scene.wait()
    scene.site.instead[call] = (200, body)
    before = scene.ledger
    with pytest.raises(Unread):
        await scene.round()
    assert scene.ledger == before


@pytest.mark.parametrize(
    "answer",
    [
        (403, {}),
        (
            200,
            {
                "network_ip_availability": {
                    "subnet_ip_availability": [{"subnet_id": Neutron.local_id, "used_ips": 40}]
                }
            },
        ),
    ],
    ids=["no right", "more than are listed"],
)
async def test_a_list_of_ports_that_cannot_be_whole_sets_nothing_free(answer: Any) -> None:
    scene = Scene()
    await scene.round()
    scene.wait()
    scene.site.instead["GET network-ip-availabilities/net"] = answer
    with pytest.raises(Unread):
        await scene.round()
    assert not scene.ledger.stock()


async def test_a_claim_ends_after_its_time_but_not_by_a_list_that_cannot_be_whole() -> None:
    scene = Scene()
    for _ in range(2):
        await scene.round()
        scene.wait()
    address = scene.ledger.stock()[0][0]
    scene.world.change(lambda now: claimed(now, address, "paris"))
    assert await scene.round() == (LOOK, Round())
    scene.world.ground.now += CLAIM
    scene.site.instead["GET network-ip-availabilities/net"] = (403, {})
    with pytest.raises(Unread):
        await scene.round()
    assert scene.ledger.claims

    del scene.site.instead["GET network-ip-availabilities/net"]
    await scene.round()

    assert not scene.ledger.claims


async def test_ports_are_read_to_the_last_page() -> None:
    """A site may give less on a page than it is asked for."""
    scene = Scene()
    await scene.round()
    start = scene.ledger.releasing("paris")[0][0]
    used = range(start, start + 5)
    scene.neutron.commit([*used])
    ports = list(scene.neutron.ports.values())

    def page(path: str) -> tuple[int, Any]:
        marker = path.partition("&marker=")[2]
        at = next((i + 1 for i, port in enumerate(ports) if port["id"] == marker), 0)
        links = [{"rel": "next"}] if at + 2 < len(ports) else [{"rel": "previous"}]
        return 200, {"ports": ports[at : at + 2], "ports_links": links}

    scene.site.instead["GET ports"] = page
    scene.wait()

    asked, _ = await scene.round()

    assert asked.count("GET ports") == 3
    assert scene.ledger.releasing("paris") == singles(used)


async def test_placeholders_are_nobodys_use_but_only_our_own() -> None:
    scene = Scene()
    await scene.round()
    released = scene.ledger.releasing("paris")[0]
    ours, theirs, other, unmarked = (released[0] + each for each in range(4))
    scene.neutron.chosen |= {ours, theirs, other, unmarked}
    scene.neutron.commit([ours, theirs, other, unmarked])
    mark = marked("", "0f0e0d0c-0b0a-4908-8706-0504030201aa")
    scene.neutron.ports[ours] |= {"device_owner": REMOTE, "project_id": ACCOUNT}
    scene.neutron.ports[ours] |= {"description": mark}
    scene.neutron.ports[theirs] |= {"device_owner": REMOTE, "description": mark}
    scene.neutron.ports[other] |= {"project_id": ACCOUNT, "description": mark}
    scene.neutron.ports[unmarked] |= {"device_owner": REMOTE, "project_id": ACCOUNT}
    scene.wait()

    await scene.round()

    assert scene.ledger.releasing("paris") == singles([theirs, other, unmarked])


async def test_addresses_made_of_macs_are_left_alone() -> None:
    scene = Scene()
    body = {**scene.neutron._subnet(), "ipv6_address_mode": "slaac"}
    scene.site.instead["GET subnets/S"] = (200, {"subnet": body})
    assert await scene.round() == (["GET subnets/S"], Round())


async def test_a_subnet_without_a_ledger_is_left_alone() -> None:
    scene = Scene()
    scene.world.ledgers.flush()
    assert await scene.round() == (["GET subnets/S"], Round())


async def test_a_tenant_who_writes_our_tags_hurries_nothing() -> None:
    scene = Scene()
    scene.neutron.tags |= {f"{FENCE}:{scene.ledger.epoch}:9999", f"{FENCE}:x", FENCE}
    asked, _ = await scene.round()
    assert f"PUT subnets/S/tags/{FENCE}:{scene.ledger.epoch}:2" in asked


async def test_who_is_asked_or_given_something_is_woken() -> None:
    world = World(Ground("10.0.0.0/28"), ["paris", "tokyo"])
    for _ in range(4):
        world.round("paris")
        world.round("tokyo")
        world.ground.now += world.grace
    tokyo = world.neutrons["tokyo"]
    while world.ledgers.now().stock():
        tokyo.commit(tokyo.choose(9))
        world.round("tokyo")
    tokyo.commit(tokyo.choose(9))
    site, patience = Recorder(tokyo), Patience(clock=lambda: world.ground.now)

    done = await keep_pools(
        site, world.ledgers, patience, SUBNET, "tokyo", tokyo.local_id, account=ACCOUNT
    )

    assert done.wake == {"paris"}
    assert done.again == 2 * patience.grace


async def test_a_conflict_is_told_of_by_both() -> None:
    world = World(Ground("10.0.0.0/24"), ["paris", "tokyo"])
    for _ in range(4):
        world.round("paris")
        world.round("tokyo")
        world.ground.now += world.grace
    address = number("10.0.0.2")
    paris, tokyo = world.neutrons["paris"], world.neutrons["tokyo"]
    paris.commit([address])
    tokyo.commit([address])
    patience = Patience(clock=lambda: world.ground.now)
    for site, other in (("tokyo", "paris"), ("paris", "tokyo")):
        neutron = world.neutrons[site]
        done = await keep_pools(
            Recorder(neutron),
            world.ledgers,
            patience,
            SUBNET,
            site,
            neutron.local_id,
            account=ACCOUNT,
        )
        assert done.conflicts == {other: ((address, address),)}
