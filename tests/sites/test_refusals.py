"""What cannot be done to a site is refused in one line, and nothing is done."""

import json
from pathlib import Path

import orjson
import pytest
import redis
import yaml

from federator.upkeep.acquaintance import DOCUMENTS, ENDPOINTS, EXTENSIONS
from idmap.desired import Desired, State, Status
from idmap.redis_desired import RedisDesiredStore
from idmap.redis_store import RedisIdStore
from idmap.sites import SiteKey
from idmap.store import SHARED, Pin
from tests.cli.command import federator, settings_file

SITES = ("paris", "tokyo", "rome")
LOST, KEPT, A, B = (f"{digit * 8}-0000-4000-8000-000000000000" for digit in "1234")
KEYS = [SiteKey.of(name) for name in SITES]


@pytest.fixture
def config(tmp_path: Path, redis_url: str) -> Path:
    """Three sites that nobody asks anything, two of them in the federation."""
    auth = {"auth_url": "http://192.0.2.1/v3", "username": "u", "password": "p"}
    clouds = {"clouds": {name: {"auth": auth} for name in ("home", *SITES)}}
    (tmp_path / "clouds.yaml").write_text(yaml.safe_dump(clouds))
    settings = {"sites": ["paris", "tokyo"], "redis": redis_url}
    return settings_file(tmp_path / "federator.yaml", settings)


def complaint(config: Path, *words: str) -> str:
    return federator("site", *words, "--config", config).complaint


async def test_a_site_that_alone_has_what_others_should_stays_until_that_is_settled(
    config: Path, redis_url: str
) -> None:
    store = RedisDesiredStore(redis_url, KEYS)
    ids = RedisIdStore(redis_url, KEYS, ())
    spec = {"name": "net"}
    for gid in (LOST, KEPT):
        assert await store.put(Desired(gid, "network", "p", "rome", frozenset(SITES), spec))
    await ids.put_pins([Pin(KEPT, "network", SHARED, {"rome": A, "tokyo": B}, anchor="rome")])
    before = await store.all()
    async with store.lead("paris", 60) as lead:
        assert lead is not None
        status = Status(State.ERROR, error="no VLAN")
        await store.put_statuses("paris", {LOST: status}, lead.fence)
    said = complaint(config, "remove", "rome", "--yes")
    assert (
        f"network {LOST} (net) is not at paris (error: no VLAN): federator plan --site paris"
        in said
    )
    assert "give them up with --give-up" in said
    assert KEPT not in said
    async with store.lead("rome", 60):
        said = complaint(config, "remove", "rome", "--yes", "--give-up")
        assert "the daemon of rome is still running: stop federator sync --site rome" in said
    assert await store.all() == before

    said = federator("site", "remove", "rome", "--give-up", "--config", config).out
    assert "Its part in 2 networks that span sites" in said
    assert "at the others as before: 1 network" in said
    assert "1 of them had their anchor here: it moves to tokyo" in said
    assert "at no other site, and kept alike no more: 1 network" in said
    assert await store.all() == before
    said = federator("site", "remove", "rome", "--give-up", "--yes", "--config", config).out
    assert said.endswith("rome has left.\n")
    (entry,) = await store.all()
    assert (entry.global_id, entry.anchor, entry.sites) == (KEPT, "tokyo", {"paris", "tokyo"})
    (pin,) = await ids.pins()
    assert (pin.places, pin.anchor) == ({"tokyo": B}, "tokyo")
    said = federator("site", "remove", "rome", "--yes", "--config", config).out
    assert "span sites" not in said
    await store.close()
    await ids.close()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("rename", "tokyo", "a/b"), "cannot be a name"),
        (("rename", "tokyo", "#7"), "must not begin with #"),
        (("rename", "tokyo", "paris"), "paris is taken"),
        (("rename", "atlantis", "edo"), "there is no site atlantis"),
        (("remove", "tokyo", "--yes"), "tokyo is still one of sites"),
        (("remove", "atlantis", "--yes"), "clouds.atlantis: is missing"),
        (("remove", "home", "--yes"), "home is home"),
        (("pause", "rome"), "there is no site rome"),
        (("pause", "tokyo", "--reason", "two\nlines"), "reason: not one line"),
        (("resume", "atlantis"), "there is no site atlantis"),
        (("report", "atlantis"), "clouds.atlantis: is missing"),
    ],
    ids=lambda each: each[1] if isinstance(each, tuple) else "",
)
def test_what_makes_no_sense(
    config: Path, redis_url: str, words: tuple[str, ...], said: str
) -> None:
    assert said in complaint(config, *words)
    with redis.Redis.from_url(redis_url) as client:
        assert not client.exists("federator:doc:pause:", "federator:pins")


async def test_the_list_shows_services_and_nothing_else_that_is_kept_of_a_site(
    config: Path, redis_url: str
) -> None:
    store = RedisIdStore(redis_url, [SiteKey.of("paris"), SiteKey.of("tokyo")], [])
    nova = [{"id": "v2.1", "status": "CURRENT", "version": "2.95", "min_version": "2.1"}]
    kept = {
        ENDPOINTS: orjson.dumps({"compute": "http://192.0.2.1/v2.1"}),
        EXTENSIONS + "network": orjson.dumps(["router"]),
        "compute": orjson.dumps({"status": 200, "versions": nova, "version": None}),
    }
    await store.put_documents(DOCUMENTS, "", kept, site="tokyo")
    await store.close()
    for site in ("paris", "tokyo"):
        # So that nobody is asked.
        assert federator("site", "pause", "--config", config, site).code == 0
    paris, tokyo = json.loads(federator("site", "list", "--config", config, "--json").out)
    assert (paris["services"], tokyo["services"]) == ({}, {"compute": "2.95"})
    assert (tokyo["state"], tokyo["away"]) == ("paused", {})


def test_pauses_without_a_gateway(config: Path) -> None:
    assert "was not paused" in federator("site", "resume", "--config", config, "tokyo").out
    paused = federator("site", "pause", "--config", config, "tokyo", "--reason", "schön neu")
    assert paused.out.startswith("tokyo: it has been paused since ")
    assert "(schön neu)" in paused.out
    assert "in use again" in federator("site", "resume", "--config", config, "tokyo").out
