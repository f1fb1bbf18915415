"""A router is plugged in: what is asked of a site, whatever it answers, and what becomes of interfaces then."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

import orjson
import pytest

from adapters.identity import Identity
from adapters.registry import all_services
from adapters.translate import shape
from federator.asker import Question
from federator.call import SiteReply
from federator.faults import BadRequest, Conflict, Timeout, Unavailable
from federator.plan import Whereabouts
from federator.route import route
from federator.sharing.anchor import Anchor
from federator.sharing.apart import Apart
from federator.sharing.care import Care
from federator.sharing.fitness import Fit, Fitness
from federator.sharing.plugging import Plugging
from federator.sharing.wanted import Wanted
from idmap.desired import Desired
from idmap.front import IdMap
from idmap.memory import MemoryIdStore
from idmap.memory_desired import MemoryDesiredStore
from idmap.sites import SiteKey
from idmap.store import StoreUnavailable
from sync.mac import interface_mac

NETWORK = all_services()["network"]
ALPHA = "a1" * 16
R, SUB = "5f0b9d1e-4f0c-5c56-9b3c-0d6f1c9a7a11", "0f0e0d0c-0b0a-4908-8706-050403020100"
ADDRESS = {"subnet_id": SUB, "ip_address": "10.0.0.1"}
SUBNET = {
    "id": SUB,
    "network_id": "net",
    "cidr": "10.0.0.0/24",
    "gateway_ip": "10.0.0.1",
    "project_id": ALPHA,
}
PORT = {"id": "port", "device_id": "", "fixed_ips": [ADDRESS]}
WHO = cast(Identity, type("Who", (), {"project_id": ALPHA, "user_id": "u"})())

Answers = Callable[[str, str, Any], SiteReply | None]


def said(status: int, body: Any = None) -> SiteReply:
    return SiteReply("paris", status, body=body, raw=orjson.dumps(body))


@dataclass
class Site:
    """A site as `Reader` shows it. `answers` says something else than usual."""

    answers: Answers = lambda method, path, body: None
    asked: list[str] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)

    async def reply(
        self, path: str, site: str, identity: Any, request_id: str, **options: Any
    ) -> SiteReply:
        method, body = options.get("method", "GET"), options.get("body")
        self.asked.append(f"{method} {path.partition('?')[0]}")
        self.bodies.append(body)
        found = self.answers(method, path, body)
        if found is not None:
            return found
        match method, path.partition("?")[0].split("/")[1]:
            case "GET", "subnets":
                return said(200, {"subnet": SUBNET})
            case "POST", "ports":
                return said(201, {"port": {**PORT, **body["port"]}})
            case "DELETE", "ports":
                return said(204)
            case "GET", "ports":
                return said(200, {"ports": []})
        return said(200, {"port_id": "port"})

    async def body(self, path: str, site: str, identity: Any, request_id: str) -> Any:
        return (await self.reply(path, site, identity, request_id)).body

    # What `Reader` has.

    @property
    def fanout(self) -> "Site":
        return self

    async def ask(self, question: Question, site: str) -> SiteReply:
        self.asked.append(f"plain {question.call.body}")
        return self.answers("plain", question.call.path, None) or said(200, {"port_id": "plain"})

    async def located(self, question: Question) -> Question:
        return question

    @property
    def locator(self) -> Any:
        return type("Locator", (), {"shown": staticmethod(lambda site, local_id: R)})


def question(verb: str = "add", **body: Any) -> Question:
    path = f"{NETWORK.version}/routers/{R}/{verb}_router_interface"
    call = route(NETWORK, "PUT", path)
    assert call is not None
    assert call.resource is not None
    fields = {name: getattr(call, name) for name in call.__slots__}
    raw = orjson.dumps(body)
    call = type(call)(**{**fields, "body": body or {"subnet_id": SUB}, "raw": raw})
    where = Whereabouts(path={R: {"paris": "local"}}, anchors={R: "paris"})
    return Question(call, shape(NETWORK, call.resource), WHO, where, "req")


def deletion() -> Question:
    call = route(NETWORK, "DELETE", f"{NETWORK.version}/routers/{R}")
    assert call is not None
    return replace(question(), call=call)


async def daemons(*sites: str) -> MemoryDesiredStore:
    store = MemoryDesiredStore()
    for site in sites:
        async with store.lead(site, 100):
            pass
    return store


async def plugged(site: Site, asked: Question | None = None, *led: str) -> SiteReply:
    store = await daemons(*(led or ("paris",)))
    return await Plugging(cast(Any, site), store).ask(asked or question(), "paris")


PLAIN = f"plain {{'subnet_id': '{SUB}'}}"
FIRST = [f"GET /subnets/{SUB}", "POST /ports"]
ATTACH = f"PUT /routers/{R}/add_router_interface"


async def test_the_port_comes_first_and_is_as_neutron_makes_it() -> None:
    site = Site()
    assert (await plugged(site)).body == {"port_id": "port"}
    assert site.asked == [*FIRST, ATTACH]
    assert site.bodies[1] == {
        "port": {
            "network_id": "net",
            "mac_address": interface_mac(R, SUB),
            "fixed_ips": [ADDRESS],
            "device_owner": "network:router_interface",
        }
    }
    assert site.bodies[2] == {"port_id": "port"}


@pytest.mark.parametrize("body", [{"port_id": "p"}, {"subnet_id": SUB, "x": 1}, {"subnet_id": 7}])
async def test_who_says_it_otherwise_is_asked_for_as_he_says(body: Any) -> None:
    site = Site()
    await plugged(site, question(**body))
    assert site.asked == [f"plain {body}"]


async def test_without_a_daemon_nothing_spans_from_here() -> None:
    site = Site()
    await plugged(site, None, "tokyo")
    assert site.asked == [PLAIN]


@pytest.mark.parametrize(
    "subnet",
    [{**SUBNET, "gateway_ip": None}, {**SUBNET, "project_id": "b2" * 16}, None],
)
async def test_what_is_not_the_callers_is_neutrons_affair(subnet: Any) -> None:
    def answers(method: str, path: str, body: Any) -> SiteReply | None:
        here = path.startswith("/subnets")
        return said(200 if subnet else 404, {"subnet": subnet}) if here else None

    site = Site(answers)
    assert (await plugged(site)).body == {"port_id": "plain"}
    assert site.asked == [FIRST[0], PLAIN]


@pytest.mark.parametrize("cidr", ["169.254.130.0/24", "169.254.0.0/16", "fd66:6564:6572:6174::/80"])
async def test_into_what_routers_reach_each_other_by_nobody_is_plugged(cidr: str) -> None:
    reply = said(200, {"subnet": {**SUBNET, "cidr": cidr}})
    site = Site(lambda method, path, body: reply if path.startswith("/subnets") else None)
    with pytest.raises(BadRequest, match="by which routers of several sites reach each other"):
        await plugged(site)
    assert site.asked == FIRST[:1]


@pytest.mark.parametrize("status", [400, 403, 413])
async def test_where_no_such_port_can_be_made_the_plain_answer_counts(status: int) -> None:
    site = Site(lambda method, path, body: said(status) if method == "POST" else None)
    assert (await plugged(site)).body == {"port_id": "plain"}
    assert site.asked == [*FIRST, PLAIN]


@pytest.mark.parametrize(
    ("there", "goes_on"),
    [
        ([PORT], True),
        ([], False),
        ([{**PORT, "device_id": R}], False),
        ([{**PORT, "fixed_ips": [{**ADDRESS, "ip_address": "10.0.0.9"}]}], False),
    ],
)
async def test_a_port_that_was_begun_is_gone_on_with(there: Any, goes_on: bool) -> None:
    def answers(method: str, path: str, body: Any) -> SiteReply | None:
        if method == "POST":
            return said(409)
        if path.startswith("/ports?"):
            assert f"mac_address={interface_mac(R, SUB)}" in path
            return said(200, {"ports": there})
        return None

    site = Site(answers)
    assert (await plugged(site)).body == {"port_id": "port" if goes_on else "plain"}
    assert site.asked == [*FIRST, "GET /ports", ATTACH if goes_on else PLAIN]


@pytest.mark.parametrize("status", [400, 404, 409, 500])
async def test_a_port_that_becomes_no_interface_does_not_lie_about(status: int) -> None:
    site = Site(lambda method, path, body: said(status) if method == "PUT" else None)
    reply = await plugged(site)
    assert site.asked[:4] == [*FIRST, ATTACH, "DELETE /ports/port"]
    # What went wrong there and is not the request's fault is not tried once more.
    assert site.asked[4:] == ([PLAIN] if status < 500 else [])
    assert reply.status == (200 if status < 500 else 500)


async def test_of_a_site_that_went_away_the_port_is_left_for_the_next_attempt() -> None:
    away = SiteReply("paris", missing="gone", away=True)
    site = Site(lambda method, path, body: away if method == "PUT" else None)
    assert (await plugged(site)).missing == "gone"
    assert site.asked == [*FIRST, ATTACH]


# What becomes of a router's interfaces when it is plugged in or unplugged.


async def cared_for(site: Site, *ports: str, drained: bool = False) -> Anchor:
    store = await daemons("paris")
    both = frozenset({"paris", "tokyo"})
    out = frozenset({"paris"} if drained else ())
    await store.put(Desired(R, "router", ALPHA, "paris", both, {"name": "r"}, drained=out))
    for port in ports:
        spec = {"device_id": R, "network_id": "net", "fixed_ips": [ADDRESS], "name": ""}
        await store.put(Desired(port, "router_interface", ALPHA, "paris", both, spec))
    ids = IdMap(MemoryIdStore([SiteKey.of("paris"), SiteKey.of("tokyo")], ()))
    await ids.refresh()
    reader = cast(Any, site)
    wanted = Wanted(store, ids)
    fitness = Fitness(wanted, reader, Apart(store, {}, {}), 0)
    return Anchor(wanted, reader, Plugging(reader, store), fitness, seconds=0)


def shows(**ports: Any) -> Answers:
    def answers(method: str, path: str, body: Any) -> SiteReply | None:
        if method != "GET":
            return None
        if path.startswith("/routers/"):
            return said(200, {"router": {"id": R, "name": "r"}})
        if path.startswith("/ports?"):
            shown = [{"id": port, "device_id": R, **each} for port, each in ports.items() if each]
            return said(200, {"ports": shown})
        if path.startswith("/ports/"):
            port = path.removeprefix("/ports/")
            found = ports.get(port, {"fixed_ips": [ADDRESS]})
            return said(200, {"port": found}) if found else said(404)
        return None

    return answers


async def entries(anchor: Anchor) -> dict[str, Desired]:
    found = {each.global_id: each for each in await anchor.wanted.store.all()}
    assert not any(each.changing for each in found.values() if not each.deleted)
    return found


async def test_what_the_anchor_has_no_more_is_gone_and_what_it_has_is_as_it_shows() -> None:
    other = {"subnet_id": "six", "ip_address": "fd00::"}
    site = Site(shows(a={"fixed_ips": [ADDRESS, other]}, b=None))
    anchor = await cared_for(site, "a", "b", "unlisted")
    await anchor.change(question("remove"), "paris")
    after = await entries(anchor)
    assert {port: after[port].deleted for port in ("a", "b", "unlisted")} == {
        "a": False,
        "b": True,
        "unlisted": False,
    }
    assert after["a"].spec["fixed_ips"] == [ADDRESS, other]
    assert after["a"].generation == 2


async def test_a_refusal_changes_nothing() -> None:
    site = Site(lambda method, path, body: said(409) if method == "plain" else None)
    anchor = await cared_for(site, "a", "b")
    assert (await anchor.change(question("remove"), "paris")).status == 409
    after = await entries(anchor)
    assert not any(each.deleted for each in after.values())
    assert {each.generation for each in after.values()} == {1}


async def test_what_is_drained_at_the_anchor_is_not_gone() -> None:
    site = Site(shows(a=None))
    anchor = await cared_for(site, "a", drained=True)
    await anchor.change(question("remove"), "paris")
    assert not (await entries(anchor))["a"].deleted


async def test_two_at_once_are_one_too_many_and_hold_nothing() -> None:
    anchor = await cared_for(Site(), "a", "b")
    held = await anchor.wanted.begin_change("b")
    assert held is not None
    with pytest.raises(Exception, match="being changed by another request"):
        await anchor.change(question("remove"), "paris")
    await anchor.wanted.end_change(held)
    await entries(anchor)


@pytest.mark.parametrize(
    "error", [Conflict("no way"), Unavailable("later"), StoreUnavailable("away")]
)
async def test_a_router_that_is_plugged_in_is_never_said_not_to_be(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def follow(*asked: object) -> None:
        raise error

    async def fits(*asked: object) -> Fit:
        return Fit()

    site = Site(shows())
    anchor = await cared_for(site)
    monkeypatch.setattr(Care, "follow", follow)
    monkeypatch.setattr(Fitness, "for_router", fits)
    with pytest.raises(Timeout, match=f"has done it.*{error}"):
        await anchor.change(question(), "paris")
    assert site.asked.count(ATTACH) == 1


# Nobody knows whether the anchor has done it: its daemon will look (`sync.unfinished`), and nothing is undone.


@pytest.mark.parametrize(
    ("status", "known"), [(500, False), (504, False), (503, True), (409, True)]
)
async def test_what_may_have_been_done_is_left_to_the_daemon(status: int, known: bool) -> None:
    for asked in (question("remove"), deletion()):
        site = Site(lambda method, path, body: said(status) if method == "plain" else None)
        anchor = await cared_for(site)
        assert (await anchor.change(asked, "paris")).status == status
        (router,) = await anchor.wanted.store.all()
        assert (bool(router.changing), router.deleted) == (not known, False)


async def test_so_is_what_a_gateway_was_stopped_over() -> None:
    class Slow(Site):
        async def ask(self, question: Question, site: str) -> SiteReply:
            self.asked.append("plain")
            return await asyncio.get_running_loop().create_future()

    site = Slow()
    anchor = await cared_for(site)
    task = asyncio.create_task(anchor.change(question("remove"), "paris"))
    await asyncio.sleep(0.05)
    assert "plain" in site.asked
    task.cancel()
    await asyncio.wait([task])
    (router,) = await anchor.wanted.store.all()
    assert router.changing
