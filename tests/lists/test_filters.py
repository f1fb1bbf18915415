"""Filters, sort keys and what is wrong with them: all sites together say what each of them says for itself."""

import asyncio
from typing import Any

import pytest

from tests.adversarial.client import Answer
from tests.lists.conftest import PATHS, SITES, Estate

pytestmark = pytest.mark.lab

NEVER = "11111111-2222-4333-8444-555555555555"
SERVERS = (
    ("changes-since=2026-01-01T00:00:00Z", ""),
    ("changes-since=2090-01-01T00:00:00Z", ""),
    ("changes-since=nonsense", ""),
    ("name=et", ""),
    ("status=SHUTOFF", ""),
    ("flavor=1", ""),
    ("not-tags=x", "2.26"),
    ("tags=x", "2.26"),
    ("nonsense=1", "2.75"),
    ("all_tenants=1", ""),
    ("sort_key=nonsense", ""),
    ("sort_key=display_name&sort_dir=sideways", ""),
    ("sort_key=host", ""),
    ("marker=x", ""),
)
NETWORKS = (
    "name=alpha&name=zoo",
    "id={paris}&id={tokyo}",
    "not-tags=blue",
    "tags=blue",
    "project_id={project}",
    "fields=id",
    "fields=nonsense",
    "sort_key=name",
    "sort_key=nonsense&sort_dir=asc",
    "sort_key=name&sort_dir=up",
    f"limit=5&marker={NEVER}",
    # Without a limit nobody looks at it.
    f"marker={NEVER}",
)
VOLUMES = (
    ("created_at=gt:{moment}", "3.60"),
    ("created_at=lte:{moment}", "3.60"),
    ("created_at=nonsense:2020", "3.60"),
    ("all_tenants=1", ""),
    ("name=alpha", ""),
    ("size=1", ""),
    ("with_count=maybe", "3.45"),
    ("sort=nonsense", ""),
    ("sort=name:sideways", ""),
    ("sort_key=nonsense", ""),
    ("offset=100", ""),
    ("offset=-1", ""),
    ("marker=x", ""),
)
IMAGES = (
    "updated_at=gt:{moment}",
    "created_at=lte:{moment}",
    "created_at=nonsense",
    "id=in:{paris},{tokyo}",
    "name=in:alpha,zoo",
    "status=in:queued,active",
    "owner={project}",
    "sort=nonsense",
    "sort_key=name&sort_key=size&sort_key=status&sort_dir=asc&sort_dir=desc",
    "sort_key=name&sort_dir=sideways",
    "sort=name&sort_key=name",
    "marker=x",
)
QUERIES = {
    "server": SERVERS,
    "network": [(query, "") for query in NETWORKS],
    "volume": VOLUMES,
    "image": [(query, "") for query in IMAGES],
}


@pytest.mark.parametrize("kind", QUERIES)
async def test_together_they_say_what_each_says(estate: Estate, kind: str) -> None:
    known = await _known(estate, kind)
    for query, version in QUERIES[kind]:
        path = f"{PATHS[kind]}?{estate.query(kind, query.format(**known))}"

        async def ask(site: str = "", path: str = path, version: str = version) -> Answer:
            return await estate.ask("GET", kind, path, site=site, version=version)

        merged, *own = await asyncio.gather(ask(), *(ask(site) for site in SITES))

        assert {each.status for each in own} == {merged.status}, (query, merged, own)
        if not merged.ok:
            assert merged.raw in [each.raw for each in own], query
            continue
        items = merged.json[f"{kind}s"]
        theirs = [item for each in own for item in each.json[f"{kind}s"]]
        assert sorted(map(str, _ids(items))) == sorted(map(str, set(_ids(theirs)))), query
        assert {frozenset(item) for item in items} == {frozenset(item) for item in theirs}, query


async def _known(estate: Estate, kind: str) -> dict[str, str]:
    """What the queries speak of: a thing of each site, and the moment at which half of them were there."""
    path = f"{PATHS[kind]}?{estate.query(kind)}"
    lists = [(await estate.get(kind, path, site=site))[f"{kind}s"] for site in SITES]
    moments = sorted(str(item.get("created_at")) for each in lists for item in each)
    known = {site: str(items[0]["id"]) for site, items in zip(SITES, lists, strict=True)}
    return {**known, "project": estate.login.project_id, "moment": moments[len(moments) // 2]}


def _ids(items: list[dict[str, Any]]) -> list[Any]:
    """Without IDs, as some ask for: how many there are."""
    return [item.get("id", number) for number, item in enumerate(items)]


@pytest.mark.parametrize("version", ["2.1", "2.40"])
async def test_the_usage_of_a_project_is_that_of_all_its_servers(
    estate: Estate, version: str
) -> None:
    usage = f"/os-simple-tenant-usage/{estate.login.project_id}"
    path = f"{usage}?start=2026-01-01T00:00:00&limit=100"

    async def ask(path: str, site: str = "") -> dict[str, Any]:
        body = await estate.login.get("compute", path, site=site, version=version)
        assert list(body) == ["tenant_usage"]
        return dict(body["tenant_usage"])

    merged = await ask(path)
    own = [await ask(path, site) for site in SITES]

    servers = [each["instance_id"] for each in merged["server_usages"]]
    assert servers == [s["instance_id"] for each in own for s in each["server_usages"]]
    assert len(servers) == len(set(servers)) >= 300
    hours = sum(each["hours"] for each in merged["server_usages"])
    assert merged["total_hours"] == pytest.approx(hours)
    # Whoever goes on to the next page finds nothing more.
    assert await ask(f"{path}&marker={servers[-1]}") == {}
