"""What a tenant does to an object of one site while another request of his takes it to a second one."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from adapters.registry import all_services
from federator.asker import Question
from federator.call import Call, SiteReply
from federator.faults import Conflict
from federator.plan import Whereabouts
from federator.sharing.anchor import Anchor
from federator.sharing.sharing import Sharing
from idmap.desired import Desired
from idmap.ids import global_uuid
from sync.cloud import Refused
from tests.sharing.test_fitness import WHO, Reader, fitness, with_daemons
from tests.sync.world import ALPHA, World

NETWORK = all_services()["network"]
Meanwhile = Callable[[], Awaitable[None]]


@dataclass
class Busy(Reader):
    """A tenant who does something else while the login at the other site takes its time, or the daemons."""

    login: Meanwhile | None = None
    daemons: Meanwhile | None = None

    @property
    def fanout(self) -> Any:
        return SimpleNamespace(asker=self)

    async def site_token(self, who: Any, site: str) -> None:
        if self.login is not None:
            await self.login()

    async def seen_to(self, *about: Any) -> None:
        if self.daemons is not None:
            await self.daemons()

    async def reply(
        self, path: str, site: str, who: Any, request_id: str, **more: Any
    ) -> SiteReply:
        try:
            body = await super().body(path, site, who, request_id)
            return SiteReply(site, 200, body=body)
        except Refused as error:
            return SiteReply(site, error.status, body={})

    def shown(self, site: str, local_id: str) -> str:
        pins, key = self.world.ids.pins, self.world.keys[site]
        return pins.global_of_uuid(site, local_id) or global_uuid(key.namespace, local_id)

    async def body(self, path: str, site: str, who: Any, request_id: str) -> Any:
        reply = await self.reply(path, site, who, request_id)
        if not reply.ok:
            raise Conflict(f"{path} cannot be read: {reply.status}.")
        return reply.body

    async def located(self, question: Question) -> Question:
        await self.world.ids.refresh()
        pins, where = self.world.ids.pins, question.where
        body = {ref: pins.places(None, ref) or places for ref, places in where.body.items()}
        anchors = {ref: pin.anchor for ref in body if (pin := pins.pin(None, ref)) is not None}
        return replace(question, where=replace(where, body=body, anchors=anchors))


def sharing(world: World, reader: Busy) -> Sharing:
    fit = replace(fitness(world), reader=cast(Any, reader))
    anchor = Anchor(world.wanted, cast(Any, reader), cast(Any, None), fit, 20)

    nobody = cast(Any, None)
    return Sharing(anchor, nobody, nobody, nobody, world.sites, "paris", 20, cast(Any, reader))


def port_at_tokyo(where: Whereabouts, **fields: Any) -> Question:
    """What takes something to tokyo."""
    header = CIMultiDictProxy(CIMultiDict({"X-Federation-Site": "tokyo"}))
    resource, body = NETWORK.resource("port"), {"port": fields}
    call = Call("POST", NETWORK, resource, "/ports", headers=header, body=body)
    return Question(call, None, WHO, where, "req-1")


async def rule(world: World, group: str, port: int) -> str:
    fields = {"security_group_id": group, "direction": "ingress", "protocol": "tcp"}
    fields |= {"port_range_min": port, "port_range_max": port}
    fields["project_id"] = world.project(ALPHA, "paris")
    path, body = "/security-group-rules", {"security_group_rule": fields}
    made = str(world.ask("paris", "POST", path, body)["security_group_rule"]["id"])
    await world.ids.register("paris", [made])
    return made


def ports(world: World, site: str) -> set[int]:
    """What the rules of a site let in."""
    rules = world.neutrons[site].all("security_group_rule")
    return {each["port_range_min"] for each in rules if each["port_range_min"]}


async def test_rules_that_come_and_go_while_their_group_comes_to_another_site() -> None:
    world = await World().start()
    for site in world.sites:
        async with world.store.lead(site, 1000):
            pass
    group = await world.make("security_group", "paris", name="web")
    old = await rule(world, group, 22)
    made = await world.make("network", "tokyo", name="net")
    gid, net = await world.global_id("paris", group), await world.global_id("tokyo", made)

    async def meanwhile() -> None:
        world.ask("paris", "DELETE", f"/security-group-rules/{old}")
        await rule(world, group, 443)
        world.ask("paris", "PUT", f"/security-groups/{group}", {"security_group": {"name": "www"}})

    where = Whereabouts(
        body={net: {"tokyo": made}, gid: {"paris": group}},
        kinds={net: "network", gid: "security_group"},
    )
    question = port_at_tokyo(where, network_id=net, security_groups=[gid])
    there = sharing(world, Busy(world, daemons=meanwhile))

    async def ask() -> None:
        await there.bring(question, set())

    await with_daemons(world, ask(), *world.sites)
    await world.settle()
    assert ports(world, "paris") == {443}, "what is deleted does not come back"
    assert ports(world, "tokyo") == {443}
    names = [each["name"] for s in world.sites for each in world.neutrons[s].all("security_group")]
    assert [each for each in names if each != "default"] == ["www", "www"]


async def test_what_was_done_at_its_site_while_it_came_into_care_is_done_everywhere() -> None:
    world = await World().start()
    group = await world.make("security_group", "paris", name="web")
    old = await rule(world, group, 22)
    await world.stretch("paris", "security_group", group, "tokyo")
    await world.settle()
    assert ports(world, "tokyo") == {22}
    gid, gone = await world.global_id("paris", group), await world.global_id("paris", old)
    there = sharing(world, Busy(world))
    # All of these were on their way when nobody knew of tokyo.
    rules, groups = (NETWORK.resource(k) for k in ("security_group_rule", "security_group"))
    new = await rule(world, group, 443)
    world.ask("paris", "DELETE", f"/security-group-rules/{old}")
    world.ask("paris", "PUT", f"/security-groups/{group}", {"security_group": {"name": "www"}})
    made = {"id": await world.global_id("paris", new), "security_group_id": gid}
    shown = world.member("security_group_rule", "paris", new).item
    for call, path, body in (
        (Call("POST", NETWORK, rules, rules.path, body={}), {}, {**shown, **made}),
        (Call("DELETE", NETWORK, rules, f"{rules.path}/{gone}", object_id=gone), {gone: old}, {}),
        (Call("PUT", NETWORK, groups, f"{groups.path}/{gid}", object_id=gid), {gid: group}, {}),
    ):
        assert call.resource is not None
        where = Whereabouts(path={ref: {"paris": local} for ref, local in path.items()})
        reply = SiteReply("paris", 200, body={call.resource.key: body})
        await there.answered(Question(call, None, WHO, where, "req-1"), reply)
    await world.settle()
    await world.check()
    assert [ports(world, site) for site in world.sites] == [{443}, {443}]
    names = [each["name"] for s in world.sites for each in world.neutrons[s].all("security_group")]
    assert [each for each in names if each != "default"] == ["www", "www"]


async def test_a_change_holds_also_if_somebody_else_writes_just_then() -> None:
    world = await World().start()
    group = await world.make("security_group", "paris", name="web")
    await world.stretch("paris", "security_group", group, "tokyo")
    await world.settle()
    gid, put, wrote = await world.global_id("paris", group), world.store.put, list[str]()

    async def late(desired: Desired) -> Desired | None:
        if not wrote:
            wrote.append(gid)
            await put((await world.store.get([gid]))[gid])
        return await put(desired)

    world.store.put = late  # type: ignore[method-assign]
    world.ask("paris", "PUT", f"/security-groups/{group}", {"security_group": {"name": "www"}})
    resource = NETWORK.resource("security_group")
    call = Call("PUT", NETWORK, resource, f"{resource.path}/{gid}", object_id=gid)
    question = Question(call, None, WHO, Whereabouts(path={gid: {"paris": group}}), "req-1")
    there = sharing(world, Busy(world))
    await there.answered(question, SiteReply("paris", 200, body={resource.key: {}}))
    await world.settle()
    names = [each["name"] for s in world.sites for each in world.neutrons[s].all("security_group")]
    assert (wrote, [each for each in names if each != "default"]) == ([gid], ["www", "www"])


async def test_a_network_that_is_deleted_while_it_is_to_come_to_another_site() -> None:
    world = await World().start()
    for site in world.sites:
        async with world.store.lead(site, 1000):
            pass
    made = await world.make("network", "paris", name="net")
    net = await world.global_id("paris", made)

    async def meanwhile() -> None:
        world.ask("paris", "DELETE", f"/networks/{made}")

    where = Whereabouts(body={net: {"paris": made}}, kinds={net: "network"})
    there = sharing(world, Busy(world, login=meanwhile))

    async def ask() -> None:
        with pytest.raises(Conflict, match="cannot be read: 404"):
            await there.bring(port_at_tokyo(where, network_id=net), set())

    await with_daemons(world, ask(), *world.sites)
    await world.settle()
    assert [neutron.all("network") for neutron in world.neutrons.values()] == [[], []]
    assert await world.store.all() == []
