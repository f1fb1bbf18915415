"""The gateway beside nginx, beside its slowest site, and beside clients that ask the sites themselves.

What is compared is measured in turns, so that what else the machine does meets both.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from statistics import median
from typing import Any

from keystoneauth1.adapter import Adapter
from keystoneauth1.session import Session
from keystoneauth1.token_endpoint import Token

from bench.load import Connection, Target, cost, pages, server_ids
from bench.report import Effort, Report
from bench.standin import USER_TOKEN
from bench.world import LIST, World, nginx


async def sides(effort: Effort, ours: Target, its: Target, at_once: int) -> tuple[float, float]:
    """Microseconds of CPU per request of both, measured in turns."""
    found: tuple[list[float], list[float]] = ([], [])
    for seconds in [effort.seconds / 4] + [effort.seconds] * effort.rounds:
        for each, target in zip(found, (ours, its), strict=True):
            each.append(await cost(target, seconds, at_once))
    # The first is to warm up.
    return median(found[0][1:]), median(found[1][1:])


def gateway(world: World, paths: list[str]) -> Target:
    """The gateway, asked for these."""
    return Target("gateway", world.gateway.url, world.gateway.pid, paths)


async def get_by_id(report: Report, world: World) -> float:
    """One server, of fifty that are asked for in turn: microseconds of CPU."""
    one = "/compute/v2.1/servers/"
    ids = await server_ids(world.gateway.url, f"{LIST}?limit=50")
    own = await server_ids(world.whole, f"{LIST}?limit=50")
    with nginx(world, world.whole) as (url, pid):
        proxy = Target("nginx", url, pid, [one + each for each in own])
        mine = gateway(world, [one + each for each in ids])
        ours, its = await sides(report.effort, mine, proxy, 8)
    tls = world.authority is not None
    report.figure(
        "get_by_id_over_tls_cpu_vs_nginx" if tls else "get_by_id_cpu_vs_nginx",
        ours / its,
        f"GET by ID, {'sites that speak TLS, ' if tls else ''}CPU",
        f"{ours:.0f} us, nginx {its:.1f} us: x{ours / its:.1f}",
    )
    return ours


async def whole_list(report: Report, world: World, servers: int) -> tuple[float, float]:
    """All pages of the list: milliseconds of CPU, of ours and of nginx before one site with all of it."""
    own = await pages(world.whole, LIST)
    found = await pages(world.gateway.url, LIST)
    with nginx(world, world.whole) as (url, pid):
        proxy = Target("nginx", url, pid, own)
        ours, its = await sides(report.effort, gateway(world, found), proxy, 4)
    ours, its = ours * len(found) / 1000, its * len(own) / 1000
    report.row(
        f"list {len(world.sites)}x{servers}, {len(found)} pages, CPU",
        f"{ours:.1f} ms, nginx {its:.2f} ms: x{ours / its:.1f}",
    )
    return ours, its


async def read_for_given(report: Report, world: World, size: int) -> float:
    """The same list in pages of this size: the items read at the sites for each that is given out."""
    name = 'federator_list_items_total{{what="{}"}}'.format
    before = [world.metric(name(what)) for what in ("read", "given")]
    found = await pages(world.gateway.url, f"{LIST}?limit={size}")
    read, given = (
        world.metric(name(what)) - was for what, was in zip(("read", "given"), before, strict=True)
    )
    report.row(
        f"pages of {size} from {len(world.sites)} sites",
        f"{read / given:.2f} items read for each given out, in {len(found)} pages",
    )
    used = await cost(gateway(world, found), report.effort.seconds, 4)
    report.row("... one page, CPU", f"{used / 1000:.2f} ms")
    return read / given


async def over_slowest(report: Report, world: World) -> None:
    """One list of all sites, beside the slowest of them asked directly and all at the same time."""
    ours, slowest = [], []
    async with AsyncExitStack() as stack:
        mine = await stack.enter_async_context(Connection(world.gateway.url))
        direct = [Connection(url) for url in world.sites.values()]
        for each in direct:
            await stack.enter_async_context(each)
        for _ in range(report.effort.rounds * 4 + 1):
            slowest.append(await _took(asyncio.gather(*(each.get(LIST) for each in direct))))
            ours.append(await _took(mine.get(LIST)))
    over = (median(ours[1:]) - median(slowest[1:])) * 1000
    report.figure(
        "ten_sites_50ms_1000_servers_over_slowest_ms",
        over,
        f"list of {len(direct)} sites that take {report.effort.delay * 1000:.0f} ms",
        f"{median(ours[1:]) * 1000:.0f} ms, that is the slowest site + {over:.1f} ms",
    )


def loops(report: Report, world: World, named: bool = False) -> None:
    """A client of keystoneauth: a loop over the sites, a thread for each, one request to the gateway."""
    session = Session(collect_timing=False)

    def adapter(root: str) -> Adapter:
        url = f"{root}/compute/v2.1"
        return Adapter(session, auth=Token(url, USER_TOKEN), endpoint_override=url)

    ours, theirs = adapter(world.gateway.url), [adapter(root) for root in world.sites.values()]

    def listed(at: Adapter) -> list[Any]:
        found, path = [], "/servers/detail"
        while path:
            body = at.get(path).json()
            found += body["servers"]
            onward = body.get("servers_links", [])
            path = onward[0]["href"].rpartition("/v2.1")[2] if onward else ""
        return found

    with ThreadPoolExecutor(len(theirs)) as threads:
        ways: dict[str, Callable[[], object]] = {
            "gateway": lambda: listed(ours),
            "sequential": lambda: [listed(each) for each in theirs],
            "threads": lambda: list(threads.map(listed, theirs)),
        }
        took: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(report.effort.rounds + 1):
            for way, work in ways.items():
                began = time.perf_counter()
                work()
                took[way].append(time.perf_counter() - began)
    seconds = {way: median(each[1:]) for way, each in took.items()}
    what = f"keystoneauth, {len(theirs)} sites, whole list, time"
    report.row(what, "  ".join(f"{way} {each * 1000:.0f} ms" for way, each in seconds.items()))
    if named:
        for way in ("sequential", "threads"):
            ratio = seconds[way] / seconds["gateway"]
            report.figure(
                f"keystoneauth_{way}_vs_gateway", ratio, f"... {way} / gateway", f"x{ratio:.2f}"
            )


async def _took(work: Awaitable[object]) -> float:
    began = time.perf_counter()
    await work
    return time.perf_counter() - began
