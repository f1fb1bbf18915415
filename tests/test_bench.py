"""The benchmarks run, and measure what they say they do."""

import pytest
import redis
import requests

from bench.beside import gateway, read_for_given
from bench.kept import mapping_bytes, record_bytes, round_trips
from bench.load import cost, pages, server_ids
from bench.report import Effort, Report
from bench.standin import USER_TOKEN
from bench.world import LIST, new_world

EFFORT = Effort(rounds=1, seconds=0.1, many=150, mappings=2000)


@pytest.mark.redis
async def test_a_gateway_before_stand_ins_is_measured() -> None:
    report = Report(EFFORT)
    with new_world(2, EFFORT.many) as world:
        ids = await server_ids(world.gateway.url, LIST)
        assert len(set(ids)) == 2 * EFFORT.many
        whole = await server_ids(world.whole, LIST)
        assert len(set(whole)) == 2 * EFFORT.many
        assert len(await pages(world.gateway.url, f"{LIST}?limit=100")) == 3
        names = [
            [server["name"] for server in _list(url)]
            for url in (world.gateway.url, *world.sites.values())
        ]
        assert sorted(names[0]) == sorted(names[1] + names[2])

        assert 1 <= await read_for_given(report, world, 100) <= 2
        await round_trips(report, world)
        record = record_bytes(report, world)
        target = gateway(world, [f"/compute/v2.1/servers/{each}" for each in ids[:5]])
        assert await cost(target, EFFORT.seconds, 2) > 0
        with redis.Redis.from_url(world.redis_url) as client:
            [*records] = client.scan_iter("federator:rec:*:server:*")
            assert sum(client.hlen(key) for key in records) == 2 * EFFORT.many
    assert report.figures["redis_round_trips_warm_get"] < 1
    assert record > 100
    assert await mapping_bytes(report) > 32


@pytest.mark.redis
async def test_sites_may_speak_tls() -> None:
    with new_world(1, 20, tls=True) as world:
        [root] = world.sites.values()
        assert root.startswith("https://")
        assert len(await server_ids(root, LIST)) == 20
        [one, *_] = await server_ids(world.gateway.url, LIST)
        target = gateway(world, [f"/compute/v2.1/servers/{one}"])
        assert await cost(target, EFFORT.seconds, 2) > 0


def _list(url: str) -> list[dict[str, str]]:
    answer = requests.get(url + LIST, headers={"X-Auth-Token": USER_TOKEN}, timeout=30)
    found: list[dict[str, str]] = answer.json()["servers"]
    return found
