"""From a call to a site and back: which microversion goes out, which comes back, and what is refused."""

from typing import Any

import orjson
import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from adapters.abilities import Abilities
from adapters.errors import SiteSilent
from adapters.extensions import Extensions
from adapters.probe import Probe, SiteVersions
from adapters.registry import all_quirks, all_services
from federator.answer import in_common, with_items_of
from federator.call import Call, SiteCall, SiteReply
from federator.faults import BadRequest, NotFound, Unavailable
from federator.lifter import Lifter

SERVICES = all_services()
EXTENSION = SERVICES["network"].resource("network_extension")
HEADERS = CIMultiDictProxy(
    CIMultiDict(
        {"OpenStack-API-Version": "compute 2.46", "Content-Type": "application/json", "X-Own": "1"}
    )
)
SERVER = {"id": "s", "status": "ACTIVE", "flavor": {"id": "m1 nano", "links": []}}
FLAVOR = {"vcpus": 1, "ram": 2, "disk": 3, "OS-FLV-EXT-DATA:ephemeral": 0, "swap": "", "name": "f"}


class Nova:
    """A site whose Nova has 2.46, and answers as told."""

    def __init__(self, **answers: tuple[int, Any]) -> None:
        self.answers = answers
        self.heard: list[SiteCall] = []
        entry = {"id": "v2.1", "version": "2.46", "min_version": "2.1"}
        probe = Probe(None, {"tokyo": {}}, [])  # type: ignore[arg-type]
        probe.recall("tokyo", "compute", SiteVersions(200, (entry,)))
        abilities = Abilities(probe, Extensions(SERVICES), ["tokyo"], all_quirks())
        self.lifter = Lifter(abilities, SERVICES)

    async def send(self, site_call: SiteCall) -> SiteReply:
        self.heard.append(site_call)
        told = self.answers.get(site_call.path.split("/")[1])
        if told is None:
            raise SiteSilent("tokyo", "no answer")
        return SiteReply("tokyo", told[0], HEADERS, told[1], orjson.dumps(told[1]))

    async def ask(
        self, path: str, version: str, method: str = "GET", body: bytes | None = None
    ) -> SiteReply:
        headers = CIMultiDict(
            {"OpenStack-API-Version": version, "X-OpenStack-Nova-API-Version": version.split()[1]}
        )
        call = SiteCall("tokyo", "compute", method, "http://t/v2.1", path, "", headers, body, {})
        return await self.lifter.reply(call, "token", self.send)


async def test_it_is_asked_in_its_own_microversion_and_answers_in_the_clients() -> None:
    nova = Nova(servers=(200, {"server": SERVER}), flavors=(200, {"flavor": FLAVOR}))
    reply = await nova.ask("/servers/s", "compute 2.47")
    assert [each.url for each in nova.heard] == [
        "http://t/v2.1/servers/s",
        "http://t/v2.1/flavors/m1%20nano",
    ]
    for each in nova.heard:
        assert each.headers["OpenStack-API-Version"] == "compute 2.46"
        assert each.headers["X-OpenStack-Nova-API-Version"] == "2.46"
    assert reply.body["server"]["flavor"] == {
        "vcpus": 1,
        "ram": 2,
        "disk": 3,
        "ephemeral": 0,
        "swap": 0,
        "original_name": "f",
    }
    # Whoever looks for something in the bytes has to find it.
    assert orjson.loads(reply.raw) == reply.body
    assert reply.headers["OpenStack-API-Version"] == "compute 2.47"
    assert reply.headers["X-Own"] == "1"
    # What was looked up holds for a while.
    assert (await nova.ask("/servers/s", "compute 2.47")).body == reply.body
    assert len(nova.heard) == 3


@pytest.mark.parametrize("version", ["compute 2.46", "compute 2.1", "volume 2.47", "compute x"])
async def test_what_is_no_higher_goes_as_it_is(version: str) -> None:
    nova = Nova(servers=(200, {"server": SERVER}))
    reply = await nova.ask("/servers/s", version)
    assert reply.body == {"server": SERVER}
    assert reply.raw
    (heard,) = nova.heard
    assert heard.headers["OpenStack-API-Version"] == version


async def test_a_flavor_that_cannot_be_looked_up_stays_as_the_site_shows_it() -> None:
    for told in ({"flavors": (404, {})}, {"flavors": (503, {})}, {}):
        nova = Nova(servers=(200, {"server": SERVER}), **told)
        assert (await nova.ask("/servers/s", "compute 2.47")).body == {"server": SERVER}


async def test_an_error_of_the_site_is_handed_on_with_its_bytes() -> None:
    nova = Nova(servers=(404, {"itemNotFound": {"message": "x"}}))
    reply = await nova.ask("/servers/s", "compute 2.47")
    assert (reply.status, reply.raw) == (404, b'{"itemNotFound":{"message":"x"}}')


async def test_a_silent_site_is_silent() -> None:
    with pytest.raises(SiteSilent):
        await Nova().ask("/servers/s", "compute 2.47")


async def test_bodies_go_as_they_came_where_no_quirk_changes_them() -> None:
    nova = Nova(servers=(200, {"server": SERVER}), flavors=(200, {"flavor": FLAVOR}))
    raw = b'{ "server":  {"name": "x"} }'
    await nova.ask("/servers/s", "compute 2.47", "PUT", raw)
    assert [(each.method, each.body) for each in nova.heard] == [("PUT", raw), ("GET", None)]


def extension(site: str, status: int, body: Any = None, **more: Any) -> SiteReply:
    raw = orjson.dumps(body) if body is not None else b""
    return SiteReply(site, status, HEADERS, body, raw, **more)


def test_an_extension_counts_if_all_have_it() -> None:
    call = Call("GET", SERVICES["network"], EXTENSION, "/extensions/a", object_id="a")
    have = extension("paris", 200, {"extension": {"alias": "a"}})
    lacks = extension("tokyo", 404, {"NeutronError": {}})
    away = SiteReply("tokyo", missing="no connection", away=True)
    known = frozenset({"a"})
    assert in_common(call, [have, have], known, "req-1").status == 200
    assert in_common(call, [have, have], None, "req-1").status == 200
    assert in_common(call, [have, lacks], known, "req-1").body == lacks.raw
    assert in_common(call, [have, away], known, "req-1").status == 200
    with pytest.raises(NotFound):
        in_common(call, [have, away], frozenset(), "req-1")
    with pytest.raises(Unavailable):
        in_common(call, [away, away], known, "req-1")


def test_a_list_lacks_what_a_site_that_is_away_lacks() -> None:
    listed = extension("paris", 200, {"extensions": [{"alias": "a"}, {"alias": "b"}]})
    assert with_items_of(EXTENSION, listed, frozenset({"b"})).body == {
        "extensions": [{"alias": "b"}]
    }
    assert with_items_of(EXTENSION, listed, None) is listed
    away = SiteReply("tokyo", missing="no connection")
    assert with_items_of(EXTENSION, away, frozenset()) is away


async def test_what_a_newer_one_refuses_is_a_fault() -> None:
    nova = Nova()
    entry = {"id": "v2.1", "version": "2.101", "min_version": "2.1"}
    nova.lifter.abilities.probe.recall("kyoto", "compute", SiteVersions(200, (entry,)))
    for path, query, fault in (
        ("/os-volumes_boot", "", NotFound),
        ("/servers/s", "a=b", BadRequest),
    ):
        headers = CIMultiDict({"OpenStack-API-Version": "compute 2.104"})
        call = SiteCall("kyoto", "compute", "GET", "http://k", path, query, headers, None, {})
        with pytest.raises(fault):
            await nova.lifter.reply(call, "token", nova.send)
    assert not nova.heard
