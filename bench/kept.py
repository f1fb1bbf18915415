"""What the gateway keeps, in Redis and in memory."""

import re
from pathlib import Path

import redis

from bench.load import Connection, pages, server_ids
from bench.report import Report
from bench.world import LIST, World


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


def redis_bytes(report: Report, world: World) -> None:
    """What a mapping and the record of a server take, with all that Redis needs around them."""
    kinds = {"mapping": "federator:b:*", "record": "federator:rec:*:server:*"}
    found = {}
    with redis.Redis.from_url(world.redis_url) as client:
        for kind, pattern in kinds.items():
            keys = list(client.scan_iter(pattern, 1000))
            count = sum(client.hlen(key) for key in keys)
            used = sum(client.memory_usage(key, samples=0) for key in keys)
            found[kind] = used / count
            each = count / len(keys)
            report.row(
                f"Redis, {count} {kind}s", f"{used / count:.0f} bytes each, {each:.1f} a key"
            )
    report.figures["redis_bytes_per_mapping"] = round(found["mapping"], 1)
    report.figures["redis_bytes_per_resource"] = round(sum(found.values()), 1)


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


def _forget_peak(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def _peak_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024


def _commands(client: redis.Redis) -> int:
    stats: dict[str, dict[str, int]] = client.info("commandstats")
    return sum(each["calls"] for name, each in stats.items() if name != "cmdstat_info")
