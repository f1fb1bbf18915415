"""What the gateway keeps, in Redis and in memory."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import redis

from bench.load import Connection, pages, server_ids
from bench.report import Report
from bench.world import LIST, World
from idmap.redis_store import RedisIdStore
from idmap.sites import SiteKey
from tests.adversarial.gateways import RedisServer


async def round_trips(report: Report, world: World) -> None:
    """Commands that Redis gets while one known server is asked for again and again."""
    [server, *_] = await server_ids(world.gateway.url, f"{LIST}?limit=1")
    times = round(500 * report.effort.seconds)
    with redis.Redis.from_url(world.redis_url) as client:
        async with Connection(world.gateway.url) as connection:
            await connection.get(f"/compute/v2.1/servers/{server}")
            before = _commands(client)
            for _ in range(times):
                await connection.get(f"/compute/v2.1/servers/{server}")
            found = (_commands(client) - before) / times
    report.figure(
        "redis_round_trips_warm_get",
        found,
        "GET by ID again, commands to Redis",
        f"{found:.3f} per request, with what goes on in the background",
    )


def record_bytes(report: Report, world: World) -> float:
    """What the record of a server takes, with all that Redis needs around it."""
    with redis.Redis.from_url(world.redis_url) as client:
        return _bytes_each(report, client, "record", "federator:rec:*:server:*")


async def mapping_bytes(report: Report) -> float:
    """The same of a mapping, the way back from one ID, in a map of its own."""
    sites = [SiteKey.of(f"site{number}") for number in range(10)]
    with TemporaryDirectory() as folder:
        server = RedisServer(Path(folder))
        server.start()
        try:
            store = RedisIdStore(server.url, sites, [])
            for number in range(0, report.effort.mappings, 1000):
                local_ids = {str(uuid4()) for _ in range(1000)}
                await store.register(sites[number // 1000 % 10].name, local_ids)
            await store.close()
            with redis.Redis.from_url(server.url) as client:
                return _bytes_each(report, client, "mapping", "federator:b:*")
        finally:
            server.kill()


async def memory(report: Report, world: World, servers: int) -> None:
    """The most memory that the gateway has while one client walks through a very long list."""
    before = world.gateway.memory() / 2**20
    _forget_peak(world.gateway.pid)
    found = await pages(world.gateway.url, LIST)
    peak = _peak_mib(world.gateway.pid)
    report.figure(
        "rss_mb_listing_100k",
        peak,
        f"memory while {servers} servers are listed",
        f"{peak:.0f} MiB, {before:.0f} before; {len(found)} pages",
    )


def _bytes_each(report: Report, client: redis.Redis, kind: str, pattern: str) -> float:
    keys = list(client.scan_iter(pattern, 1000))
    with client.pipeline(transaction=False) as pipeline:
        for key in keys:
            pipeline.hlen(key)
            pipeline.memory_usage(key, samples=0)
        found = pipeline.execute()
    count, used = sum(found[::2]), sum(found[1::2])
    what = f"Redis, {count} {kind}s in {len(keys)} keys"
    report.row(what, f"{used / count:.1f} bytes each")
    return float(used / count)


def _forget_peak(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def _peak_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024


def _commands(client: redis.Redis) -> int:
    stats: dict[str, dict[str, int]] = client.info("commandstats")
    return sum(each["calls"] for name, each in stats.items() if name != "cmdstat_info")
