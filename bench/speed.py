"""What the gateway costs beside nginx and beside loops over the sites: ``make bench``.

Stand-ins for the sites answer at once, or after 50 ms; gateway, Redis and nginx are real processes. The table
says everything; ``bench/results.json`` has the figures that docs/performance.md explains. Nothing here is a
test.
"""

import argparse
import asyncio
import json
import os
import platform
from pathlib import Path

from bench.beside import get_by_id, loops, over_slowest, read_for_given, whole_list
from bench.kept import mapping_bytes, memory, record_bytes, round_trips
from bench.report import Effort, Report
from bench.world import new_world

RESULTS = Path(__file__).parent / "results.json"


async def measure(effort: Effort) -> Report:
    """All of it, one world after the other."""
    report = Report(effort)
    few, many = effort.few, effort.many
    with new_world(2, few) as world:
        plain = await get_by_id(report, world)
        ours, its = await whole_list(report, world, few)
        report.figures["list_2x100_cpu_vs_nginx"] = round(ours / its, 2)
        loops(report, world)
        await round_trips(report, world)
        record = record_bytes(report, world)
    with new_world(2, few, tls=True) as world:
        over_tls = await get_by_id(report, world)
        report.row("... beside plain HTTP", f"x{over_tls / plain:.2f}")
    with new_world(2, many) as world:
        ours, _ = await whole_list(report, world, many)
        report.figures["list_2x1000_ms_cpu"] = round(ours, 2)
        loops(report, world)
    with new_world(10, many) as world:
        await whole_list(report, world, many)
        await read_for_given(report, world, few)
        read = await read_for_given(report, world, many)
        report.figures["read_items_per_item_10_sites"] = round(read, 3)
        loops(report, world)
    with new_world(10, few, effort.delay) as world:
        await over_slowest(report, world)
        loops(report, world, named=True)
    with new_world(10, effort.all // 10) as world:
        record_bytes(report, world)
        await memory(report, world, effort.all)
    mapping = await mapping_bytes(report)
    report.figures["redis_bytes_per_mapping"] = round(mapping, 1)
    report.figures["redis_bytes_per_resource"] = round(mapping + record, 1)
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tiny", action="store_true", help="only to see that it runs")
    parser.add_argument("--output", type=Path, default=RESULTS)
    chosen = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, {platform.machine()}, load {load:.1f} at the start\n")
    effort = (
        Effort(rounds=1, seconds=0.1, many=20, all=200, mappings=1000) if chosen.tiny else Effort()
    )
    report = asyncio.run(measure(effort))
    chosen.output.write_text(json.dumps(report.figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
