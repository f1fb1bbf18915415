"""The first change of a project's default group takes it into care, if it is alike at all of its sites."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any, cast

import orjson
import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from adapters.account import Account
from adapters.breakers import Breakers
from adapters.identity import Identity
from adapters.registry import all_services, id_rules
from adapters.translate import shape
from federator.asker import Question
from federator.call import Call, SiteReply
from federator.locate import Locator
from federator.plan import NOWHERE, Reach, Whereabouts, plan
from federator.renamed import by_own_ids
from federator.route import route
from federator.sharing.defaults import Defaults
from federator.sharing.reader import Reader
from federator.upkeep.lookout import Lookout
from federator.upkeep.survey import Survey
from idmap.ids import global_uuid
from idmap.store import SHARED
from sync.registry import kind_of
from tests.session.people import make_identity
from tests.sync.test_default_groups import an_open_port, group_at, rule_ids
from tests.sync.world import ALPHA, BETA, LEAD_SECONDS, World

NETWORK = all_services()["network"]


@dataclass
class Seen:
    """Sites as a caller's token shows them."""

    world: World
    locator: Locator
    silent: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    async def reply(self, path: str, site: str, identity: Identity, request_id: str) -> SiteReply:
        self.asked.append(site)
        if site in self.silent:
            return SiteReply(site, missing="it is away")
        _, _, query = path.partition("?")
        if query == "name=default":
            group_at(self.world, site)
            return SiteReply(site, 200)
        _, collection, shown = path.split("/")
        kind = kind_of(collection[:-1].replace("-", "_"))
        local_id = (await self.locator.places(kind.name, [shown], identity))[shown][site]
        body = self.world.ask(site, "GET", f"/{collection}/{local_id}")
        key = kind.resource.key
        tongue, pins = self.world.tongue(site), self.world.ids.pins
        return SiteReply(site, 200, body={key: tongue.outward(kind.resource, body[key], pins)})

    async def located(self, question: Question) -> Question:
        call, form = question.call, question.shape
        where = await self.locator.whereabouts(call, form, question.identity)
        return replace(question, where=where)


def asked(call: Call, who: Identity) -> Question:
    """As the gateway asks."""
    form = shape(call.service, call.resource) if call.resource is not None else None
    return Question(call, form, who, NOWHERE, "req-1")


class Eyes:
    """The gateway's account at a site."""

    def __init__(self, world: World, site: str) -> None:
        self.world, self.site = world, site

    async def get(self, service: str, path: str, microversion: str | None) -> tuple[int, Any]:
        return self.world.neutrons[self.site].request("GET", path)


@dataclass
class Stage:
    world: World
    defaults: Defaults
    seen: Seen
    lookout: Lookout
    group: str
    """The global ID that the tenant knows."""
    leaders: AsyncExitStack
    """The daemons that are at work."""

    async def located(self, call: Call, who: Identity | None = None) -> tuple[Call, Whereabouts]:
        """A call and where all of it is, as the gateway sees to it."""
        question = await self.seen.located(asked(call, who or ada()))
        question = await self.defaults.taken(question)
        own = by_own_ids(question.call, question.where, self.world.ids.pins)
        return own, (await self.seen.located(replace(question, call=own))).where

    async def reach(self, call: Call, who: Identity | None = None) -> Reach:
        own, where = await self.located(call, who)
        return plan(own, where, self.world.sites, "paris").reach

    async def shown(self, site: str, local_id: str) -> str:
        return await self.world.global_id(site, local_id)

    async def rules(self) -> dict[str, set[str]]:
        """The IDs that the tenant knows of the rules of each site's group."""
        return {
            site: {await self.shown(site, each) for each in rule_ids(self.world, site)}
            for site in self.world.sites
        }

    async def is_untouched(self) -> bool:
        await self.world.ids.refresh()
        return not await self.world.store.all() and not any(p.anchor for p in self.world.ids.pins)


def ada(project: str = ALPHA) -> Identity:
    return make_identity(project_id=project)


def a_call(method: str, path: str, body: Any = None, site: str = "") -> Call:
    headers = CIMultiDict({"X-Federation-Site": site} if site else {})
    call = route(NETWORK, method, f"/v2.0{path}", headers=CIMultiDictProxy(headers))
    assert call is not None
    return replace(call, body=body, raw=orjson.dumps(body) if body else b"")


def new_rule(group: str, site: str = "", **fields: Any) -> Call:
    rule = {"security_group_id": group, "direction": "ingress", "protocol": "tcp", **fields}
    return a_call("POST", "/security-group-rules", {"security_group_rule": rule}, site)


async def _nobody(site: str, service: str) -> bool:
    return False


async def new_stage(
    *daemons: str, sites: tuple[str, ...] = ("paris", "tokyo"), only: str = ""
) -> Stage:
    """Sites with default groups that are shown as one, or but one, and daemons at work at some."""
    world = await World(sites).start()
    for site in [only] if only else world.sites:
        await world.ids.register(site, [group_at(world, site)["id"], *rule_ids(world, site)])
    names = tuple(world.tongue(site).site for site in world.sites)
    seen = Seen(world, Locator(world.ids, names, id_rules()))
    surveys = {
        name.name: Survey(
            name, cast(Account, Eyes(world, name.name)), id_rules(), Breakers(_nobody)
        )
        for name in names
    }
    lookout = Lookout({"network": NETWORK}, surveys, world.ids)
    await lookout.look()
    leaders = AsyncExitStack()
    for site in daemons or world.sites:
        await leaders.enter_async_context(world.store.lead(site, LEAD_SECONDS))
    group = await world.global_id("paris", group_at(world, "paris")["id"])
    defaults = Defaults(world.wanted, cast(Reader, seen))
    return Stage(world, defaults, seen, lookout, group, leaders)


async def settled(stage: Stage) -> None:
    await stage.leaders.aclose()
    await stage.world.settle()
    await stage.world.check()


async def test_a_new_rule_takes_the_group_into_care_under_the_ids_that_are_known() -> None:
    stage = await new_stage()
    before = await stage.rules()
    assert before["paris"] == before["tokyo"]
    assert await stage.reach(new_rule(stage.group, port_range_min=22)) is Reach.ANCHOR
    assert await stage.rules() == before
    entries = {each.global_id: each for each in await stage.world.store.all()}
    assert entries.keys() == {stage.group, *before["paris"]}
    assert {each.anchor for each in entries.values()} == {"paris"}
    assert {each.sites for each in entries.values()} == {frozenset({"paris", "tokyo"})}
    local = {
        site: (group_at(stage.world, site)["id"], rule_ids(stage.world, site)) for site in before
    }
    await settled(stage)
    # What was alike is as it was, but for marks.
    assert local == {
        site: (group_at(stage.world, site)["id"], rule_ids(stage.world, site)) for site in before
    }


async def test_so_does_a_rule_that_is_deleted_and_a_new_description() -> None:
    for path in ("/security-group-rules/{rule}", "/security-groups/{group}"):
        stage = await new_stage()
        rule = min((await stage.rules())["paris"])
        method = "DELETE" if "rules" in path else "PUT"
        body = {"security_group": {"description": "ours"}} if method == "PUT" else None
        call = a_call(method, path.format(rule=rule, group=stage.group), body)
        assert await stage.reach(call) is Reach.ANCHOR
        assert not await stage.is_untouched()


@pytest.mark.parametrize("reason", ["other rules", "no daemon", "away", "another's", "its own"])
async def test_else_the_change_is_made_at_each_site_and_nothing_is_touched(reason: str) -> None:
    stage = await new_stage(*(["paris"] if reason == "no daemon" else []))
    if reason == "other rules":
        await an_open_port(stage.world, "tokyo", 23)
    if reason == "away":
        # Whether it is changed there as it is here nobody knows.
        for site in ("paris", "tokyo"):
            await an_open_port(stage.world, site, 23)
        stage.seen.silent = {"tokyo"}
    call = new_rule(stage.group, "tokyo" if reason == "its own" else "", port_range_min=22)
    who = ada(BETA) if reason == "another's" else None
    expected = Reach.ONE if reason == "its own" else Reach.EVERY_REPLICA
    assert await stage.reach(call, who) is expected
    assert await stage.is_untouched()


@pytest.mark.parametrize("theirs", [0, 8080])
async def test_a_site_that_is_away_then_comes_later(theirs: int) -> None:
    """Unless somebody has changed the group there meanwhile."""
    stage = await new_stage()
    world, before = stage.world, await stage.rules()
    stage.seen.silent = {"tokyo"}
    assert await stage.reach(new_rule(stage.group, port_range_min=22)) is Reach.ANCHOR
    assert {each.sites for each in await world.store.all()} == {frozenset({"paris"})}
    assert await stage.rules() == before, "it is one to the tenant still"
    await world.share(
        [("security_group_rule", await an_open_port(world, "paris", 22))], "paris", ["paris"]
    )
    lost = min(before["paris"])
    if theirs:
        await an_open_port(world, "tokyo", theirs)
    there = rule_ids(world, "tokyo")
    await stage.leaders.aclose()
    assert await world.remove(lost)
    await settled(stage)
    if theirs:
        assert rule_ids(world, "tokyo") == there
        assert not await world.local(stage.group, "tokyo")
    else:
        assert len(rule_ids(world, "tokyo")) == 4
        assert len(there & rule_ids(world, "tokyo")) == 3, "nothing was made anew"
        assert await world.local(stage.group, "tokyo")


async def test_of_another_group_it_is_asked_once_whether_it_is_one() -> None:
    stage = await new_stage()
    web = await stage.world.make("security_group", "paris", name="web")
    other = await stage.shown("paris", web)
    for _ in range(3):
        assert await stage.reach(new_rule(other)) is Reach.ONE
    await stage.reach(a_call("GET", f"/security-groups/{stage.group}"))
    assert stage.seen.asked == ["paris"]
    assert await stage.is_untouched()


async def test_of_a_project_that_is_at_one_site_it_comes_to_others_as_it_is() -> None:
    """What the tenant has closed is not open at a site that he comes to later."""
    stage = await new_stage(only="paris")
    world = stage.world
    rules = world.neutrons["paris"].all("security_group_rule")
    closed = next(each["id"] for each in rules if each["direction"] == "egress")
    call = a_call("DELETE", f"/security-group-rules/{await stage.shown('paris', closed)}")
    assert await stage.reach(call) is Reach.ANCHOR
    await stage.leaders.aclose()
    assert await world.remove(await stage.shown("paris", closed))
    await world.settle()
    group_at(world, "tokyo")
    await stage.lookout.look()
    await world.settle()
    await world.check()
    assert len(rule_ids(world, "tokyo")) == 3


async def test_many_first_changes_at_once_are_one() -> None:
    stage = await new_stage()
    calls = [new_rule(stage.group, port_range_min=n) for n in range(22, 30)]
    assert set(await asyncio.gather(*(stage.reach(each) for each in calls))) == {Reach.ANCHOR}
    assert len(await stage.world.store.all()) == 5
    await settled(stage)


async def test_who_comes_while_the_first_change_is_under_way_follows_it() -> None:
    """Made at each site by itself his rule would be taken away again where the anchor is not."""
    stage = await new_stage()
    world = stage.world
    second, third = (new_rule(stage.group, port_range_min=n) for n in (23, 24))
    question = await stage.seen.located(asked(third, ada()))
    read = stage.seen.reply

    async def first(*args: Any) -> SiteReply:
        stage.seen.reply = read  # type: ignore[method-assign]
        assert await stage.reach(new_rule(stage.group, port_range_min=22)) is Reach.ANCHOR
        await an_open_port(world, "paris", 22)
        return await read(*args)

    stage.seen.reply = first  # type: ignore[method-assign]
    assert await stage.reach(second) is Reach.ANCHOR
    where = (await stage.defaults.taken(question)).where
    assert plan(third, where, world.sites, "paris").reach is Reach.ANCHOR


async def test_what_was_read_before_somebody_else_took_it_is_not_written() -> None:
    """A rule that he has deleted since would be back."""
    stage = await new_stage()
    rule = min((await stage.rules())["paris"])
    read = stage.seen.reply

    async def slow(path: str, site: str, *more: Any) -> SiteReply:
        answer = await read(path, site, *more)
        if site == "tokyo":
            stage.seen.reply = read  # type: ignore[method-assign]
            assert await stage.reach(new_rule(stage.group)) is Reach.ANCHOR
            assert await stage.world.store.drop((await stage.world.store.get([rule]))[rule])
        return answer

    stage.seen.reply = slow  # type: ignore[method-assign]
    assert await stage.reach(new_rule(stage.group)) is Reach.ANCHOR
    assert stage.seen.reply == read, "the first was slow"
    assert not await stage.world.store.get([rule])


@pytest.mark.parametrize("written", range(6))
async def test_who_died_over_it_is_followed_by_the_next(written: int) -> None:
    """So many of the entries had been written."""
    stage = await new_stage()
    assert await stage.reach(new_rule(stage.group)) is Reach.ANCHOR
    entries = sorted(await stage.world.store.all(), key=lambda e: e.kind == "security_group")
    for entry in entries[written:]:
        assert await stage.world.store.drop(entry)
    await stage.lookout.look()
    assert await stage.reach(new_rule(stage.group)) is Reach.ANCHOR
    assert len(await stage.world.store.all()) == 5
    await settled(stage)


async def test_the_id_that_a_replica_had_alone_is_a_way_to_all_of_it() -> None:
    stage = await new_stage()
    own = global_uuid(stage.world.keys["tokyo"].namespace, group_at(stage.world, "tokyo")["id"])
    assert own != stage.group
    for _ in range(2):
        call, where = await stage.located(new_rule(own))
        assert plan(call, where, stage.world.sites, "paris").reach is Reach.ANCHOR
        assert call.body["security_group_rule"]["security_group_id"] == stage.group
        assert orjson.loads(call.raw) == call.body
    call, where = await stage.located(
        a_call("PUT", f"/security-groups/{own}", {"security_group": {"description": own}})
    )
    assert (call.object_id, call.path) == (stage.group, f"/security-groups/{stage.group}")
    assert call.body["security_group"]["description"] == own, "this is but a text"
    assert where.anchors == {stage.group: "paris"}


async def test_who_needs_it_at_a_site_has_neutron_make_it_there() -> None:
    stage = await new_stage(only="paris")
    world, there = stage.world, stage.world.neutrons["tokyo"]
    group = group_at(world, "paris")["id"]
    web = await world.make("security_group", "paris", name="web")
    for local_id, made in ((web, 0), (group, 1)):
        members = [world.member("security_group", "paris", local_id)]
        await stage.defaults.seen_to(members, "tokyo", asked(new_rule(stage.group), ada()))
        assert len(there.all("security_group")) == made
    await world.stretch("paris", "security_group", group, "tokyo")
    await settled(stage)
    assert await world.local(stage.group, "tokyo") == group_at(world, "tokyo")["id"]


async def test_those_who_look_for_what_is_equal_leave_it_alone() -> None:
    stage = await new_stage(sites=("paris", "tokyo", "denver"))
    # A look that began before, and ends afterwards.
    late = await new_look(stage)
    assert await stage.reach(new_rule(stage.group)) is Reach.ANCHOR
    await late.look()
    await stage.world.ids.refresh()
    assert {p.origin for p in stage.world.ids.pins if p.kind != "project"} == {SHARED}
    await settled(stage)
    await stage.lookout.look()
    await stage.world.ids.refresh()
    assert {p.origin for p in stage.world.ids.pins if p.kind != "project"} == {SHARED}


async def new_look(stage: Stage) -> Lookout:
    """What was seen before anything was in care, by one who is cut off from the sites now."""
    old = Lookout(stage.lookout.services, stage.lookout.surveys, stage.lookout.ids)
    await old.look()
    old.surveys = {
        name: Survey(each.names, cast(Account, Blind()), each.rules, each.breakers)
        for name, each in old.surveys.items()
    }
    return old


class Blind:
    async def get(self, service: str, path: str, microversion: str | None) -> tuple[int, Any]:
        return 503, None
