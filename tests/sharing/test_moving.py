"""What is in the way of a port that has moved gives way; what is really in use is named. In the small world."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import parse_qsl

import pytest

from adapters.marks import is_placeholder
from adapters.registry import all_services
from federator.asker import Question
from federator.call import Call, SiteReply
from federator.faults import Conflict, Unavailable
from federator.plan import Whereabouts
from federator.sharing.claims import Claims, Held
from federator.sharing.moving import Moving
from federator.sharing.ports import filters, in_use, is_going
from idmap.store import Pin
from sync.ledgers import read
from tests.sharing.test_fitness import with_daemons
from tests.sync.neutron import SERVICE
from tests.sync.test_moves import Move
from tests.sync.world import ALPHA, BETA, World

WHO: Any = SimpleNamespace(project_id=ALPHA, is_admin=False)
NETWORK, COMPUTE = all_services()["network"], all_services()["compute"]


@dataclass
class Shown:
    """What the sites of a world show a tenant: no placeholders, but how many they were. And his servers."""

    world: World
    servers: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    @property
    def locator(self) -> "Shown":
        return self

    def shared(self, kind: str, global_id: str) -> Pin | None:
        return self.world.ids.pins.pin(kind, global_id)

    async def reply(self, path: str, site: str, who: Any, request_id: str) -> SiteReply:
        self.asked.append((site, path))
        bare, _, query = path.partition("?")
        if bare.startswith("/servers/"):
            server = self.servers.get(bare.removeprefix("/servers/"))
            return SiteReply(site, 200 if server else 404, body={"server": server})
        resource, tongue = NETWORK.resource("port"), self.world.tongue(site)
        await self.world.ids.refresh()
        if bare.startswith("/networks/"):
            local = await self.world.local(bare.removeprefix("/networks/"), site)
            item = self.world.ask(site, "GET", f"/networks/{local}")["network"]
            shared = NETWORK.resource("network")
            return SiteReply(
                site, 200, body={"network": tongue.outward(shared, item, self.world.ids.pins)}
            )
        words = dict(parse_qsl(query))
        words["network_id"] = await self.world.local(words["network_id"], site)
        fits = "&".join(f"{name}={value.replace('=', '%3D')}" for name, value in words.items())
        ports = self.world.ask(site, "GET", f"/ports?{fits}")["ports"]
        shown = [each for each in ports if not is_placeholder(each, SERVICE)]
        items = [tongue.outward(resource, each, self.world.ids.pins) for each in shown]
        return SiteReply(site, 200, body={"ports": items}, hidden=len(ports) - len(shown))


@dataclass
class Stage:
    """A port of paris that has something standing for it at tokyo, and a tenant who wants it at tokyo."""

    scene: Move
    shown: Shown
    moving: Moving
    net: str
    where: Whereabouts

    def question(self, *, server: bool = False, mac: str = "") -> Question:
        address = self.scene.fixed["ip_address"]
        if server:
            body: Any = {"server": {"networks": [{"uuid": self.net, "fixed_ip": address}]}}
            call = Call("POST", COMPUTE, COMPUTE.resource("server"), "/servers", body=body)
        else:
            fields = {"network_id": self.net, "fixed_ips": [{"ip_address": address}]}
            body = {"port": {**fields, "mac_address": mac or self.scene.port_["mac_address"]}}
            call = Call("POST", NETWORK, NETWORK.resource("port"), "/ports", body=body)
        return Question(call, None, WHO, self.where, "req-1")

    async def claim(self, site: str = "tokyo", *, server: bool = False) -> list[Held]:
        return await self.moving.claimed(self.question(server=server), site)

    async def made(self, site: str = "tokyo") -> Any:
        """A port at a site, as the gateway makes it."""
        held = await self.claim(site)
        patience = self.moving.patience()
        while True:
            network = await self.scene.world.local(self.net, site)
            subnet = await self.scene.local(self.scene.sub, site)
            fields = {"network_id": network, "mac_address": self.scene.port_["mac_address"]}
            fields["fixed_ips"] = [{**self.scene.fixed, "subnet_id": subnet}]
            fields["project_id"] = self.scene.world.project(ALPHA, site)
            neutron = self.scene.world.neutrons[site]
            status, body = neutron.request("POST", "/v2.0/ports", {"port": fields})
            reply = SiteReply(site, status, body=body)
            if not await self.moving.soon_free(self.question(), reply, patience):
                await self.moving.claims.used(held)
                return reply

    async def moves(self) -> object:
        ledger = await read(self.scene.world.ledgers, self.scene.book)
        return ledger.moves if ledger is not None else ()


async def stage(seconds: float = 20, **fields: Any) -> Stage:
    scene = Move()
    await scene.begin()
    if fields:
        scene.port_ |= fields
        scene.world.neutrons["paris"].kept["port"][scene.port_["id"]] |= fields
    world = scene.world
    shown = Shown(world)
    claims = Claims(world.store, world.ledgers)
    reader = cast(Any, shown)
    moving = Moving(claims, reader, reader, world.store, seconds)
    net = await world.global_id("paris", scene.net)
    return Stage(scene, shown, moving, net, Whereabouts(anchors={net: "paris"}))


async def at_work(there: Stage, asked: Awaitable[Any]) -> Any:
    """Ask, once both daemons are at work."""
    answers = []

    async def ask() -> None:
        answers.append(await asked)

    await with_daemons(there.scene.world, ask(), "paris", "tokyo")
    return answers[0]


async def test_a_port_is_made_anew_at_another_site_as_soon_as_it_is_gone() -> None:
    there = await stage()
    there.scene.gone()
    reply = await at_work(there, there.made())
    assert reply.status == 201
    await there.scene.good()
    (stand,) = there.scene.standing("paris")
    assert stand["mac_address"] == there.scene.port_["mac_address"]


async def test_what_lives_is_named_at_once_and_nobody_is_woken() -> None:
    there = await stage(seconds=1000)
    port = await there.scene.world.global_id("paris", there.scene.port_["id"])
    (stand,) = there.scene.standing("tokyo")
    with pytest.raises(Conflict) as refused:
        await there.claim()
    assert refused.value.title == "IpAddressAlreadyAllocated"
    assert f"port {port} at paris" in refused.value.message
    taken = SiteReply("tokyo", 409, body={"NeutronError": {"type": "MacAddressInUse"}})
    with pytest.raises(Conflict) as refused:
        await there.moving.soon_free(there.question(), taken, there.moving.patience())
    assert refused.value.title == "MacAddressInUse"
    assert f"port {port} at paris" in refused.value.message
    assert stand["id"] not in refused.value.message
    assert not await there.moves()


async def test_the_port_of_a_server_that_is_being_deleted_is_waited_for() -> None:
    local = "00000000-0000-4000-8000-00000000000a"
    there = await stage(device_owner="compute:nova", device_id=local)
    server = await there.scene.world.global_id("paris", local)
    there.shown.servers[server] = {"status": "ACTIVE", "OS-EXT-STS:task_state": None}
    with pytest.raises(Conflict):
        await there.claim()
    there.shown.servers[server]["OS-EXT-STS:task_state"] = "deleting"

    async def later() -> Any:
        claim = asyncio.ensure_future(there.claim(server=True))
        await asyncio.sleep(0.5)
        assert not claim.done()
        there.scene.gone()
        del there.shown.servers[server]
        return await claim

    (held,) = await at_work(there, later())
    assert held.site == "tokyo"
    # Nova makes the port later: nothing may be in its way any more.
    assert not there.scene.standing("tokyo")
    assert len(there.scene.standing("paris")) == 1


async def test_of_two_who_ask_at_two_sites_one_has_it() -> None:
    there = await stage()
    there.scene.gone()

    async def both() -> Any:
        asked = (there.made("paris"), there.made("tokyo"))
        return await asyncio.gather(*asked, return_exceptions=True)

    answers = await at_work(there, both())
    assert [isinstance(each, Conflict) for each in answers] in ([True, False], [False, True])
    await there.scene.good()


async def test_where_nobody_can_tell_it_says_so_and_leaves_nothing() -> None:
    there = await stage()
    there.scene.gone()
    with pytest.raises(Unavailable):
        await there.claim()
    hurried = await stage(seconds=0.5)
    hurried.scene.gone()
    async with hurried.scene.world.store.lead("paris", 1000):
        # It leads, and does nothing.
        with pytest.raises(Unavailable):
            await hurried.claim()
    assert not await hurried.moves()


async def test_what_the_site_itself_has_and_what_nobody_sees_is_not_waited_for() -> None:
    there = await stage(seconds=1000)
    question, patience = there.question(), there.moving.patience()
    taken = SiteReply("paris", 409, body={"NeutronError": {"type": "IpAddressAlreadyAllocated"}})
    assert not await there.moving.soon_free(question, taken, patience)
    there.scene.gone()
    asked = [await there.moving.soon_free(question, taken, patience) for _ in range(2)]
    assert asked == [True, False]
    for other in (
        SiteReply("paris", 201, body={}),
        SiteReply("paris", 409, body={"NeutronError": {"type": "OverQuota"}}),
        SiteReply("paris", 409, body="nonsense"),
    ):
        assert not in_use(other)


async def test_only_who_may_choose_addresses_moves_them() -> None:
    there = await stage()
    there.scene.gone()
    stranger = SimpleNamespace(project_id=BETA, is_admin=False)

    async def asked() -> None:
        question = replace(there.question(), identity=cast(Any, stranger))
        with pytest.raises(Conflict):
            await there.moving.claimed(question, "tokyo")

    await at_work(there, asked())
    assert not there.scene.standing("paris")
    assert not await there.moves()


async def test_a_refused_address_is_nobodys_claim() -> None:
    there = await stage()
    there.scene.gone()

    async def given_back() -> None:
        await there.moving.claims.give_back(await there.claim())

    await at_work(there, given_back())
    await there.scene.good()
    ledger = await read(there.scene.world.ledgers, there.scene.book)
    assert ledger is not None
    assert ledger.claims == ledger.moves == ()
    assert not there.scene.standing("paris")


def test_what_a_body_asks_for() -> None:
    port = {"network_id": "n", "mac_address": "FA-16-3E-00-00-01"}
    port |= {"fixed_ips": [{"ip_address": "FD00::0:7"}, {"subnet_id": "s"}]}  # type: ignore[dict-item]
    expected = [("n", "fixed_ips=ip_address%3Dfd00::7"), ("n", "mac_address=fa:16:3e:00:00:01")]
    assert filters({"port": port}) == filters({"ports": [port, 7]}) == expected
    plug = {"net_id": "n", "fixed_ips": [{"ip_address": "10.0.0.7"}]}
    assert filters({"interfaceAttachment": plug}) == [("n", "fixed_ips=ip_address%3D10.0.0.7")]
    assert filters({"port": {"fixed_ips": [{"ip_address": "10.0.0.7"}]}}, "m")[0][0] == "m"
    assert filters(None) == filters({"port": {"mac_address": 7}}) == []
    assert is_going({"status": "ACTIVE", "OS-EXT-STS:task_state": "deleting"})
    assert not is_going({"status": "ACTIVE", "OS-EXT-STS:task_state": "rebooting"})
