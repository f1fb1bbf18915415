"""Long lists of three real sites, whose databases have their own minds about order."""

import asyncio
import re
from collections.abc import Callable
from typing import Any

import aiohttp
import openstack
import pytest

from tests.adversarial.client import Answer
from tests.lists.conftest import PATHS, SITES, SPREAD, Estate

pytestmark = pytest.mark.lab

ORDERS = {
    "server": [
        "",
        "sort_key=display_name&sort_dir=asc",
        "sort_key=vm_state&sort_dir=asc&sort_key=created_at&sort_dir=desc",
        "sort_key=uuid&sort_dir=asc",
    ],
    "network": [
        "",
        "sort_key=name&sort_dir=asc",
        "sort_key=name&sort_dir=desc&sort_key=id&sort_dir=asc",
        "sort_key=status&sort_dir=asc",
    ],
    "volume": ["", "sort=name:asc", "sort=size:desc,name:asc", "sort_key=created_at&sort_dir=asc"],
    "image": [
        "",
        "sort=name:asc",
        "sort_key=name&sort_key=created_at&sort_dir=desc",
        "sort=size:asc",
    ],
}
_BY_NAME = "sort_key=name&sort_dir=asc"
LIMITS = {"server": (110,)}
CASES = [(kind, order) for kind, orders in ORDERS.items() for order in orders]


@pytest.mark.parametrize(("kind", "order"), CASES)
@pytest.mark.parametrize("by_link", [True, False], ids=["by link", "by marker"])
async def test_pages_are_the_list(estate: Estate, kind: str, order: str, by_link: bool) -> None:
    whole = await estate.ids(kind, order)

    assert len(whole) == len(set(whole)) == sum(SPREAD[kind])
    for limit in LIMITS.get(kind, (3, 10)):
        pages = await estate.walk(kind, order, f"limit={limit}", by_link=by_link)
        assert [each for page in pages for each in page] == whole
        assert all(len(page) == limit for page in pages[:-1])


@pytest.mark.parametrize(("kind", "order"), CASES)
async def test_each_site_keeps_its_own_order(estate: Estate, kind: str, order: str) -> None:
    whole = await estate.ids(kind, order)

    for site in SITES:
        path = f"{PATHS[kind]}?{estate.query(kind, order)}"
        own = [item["id"] for item in (await estate.get(kind, path, site=site))[f"{kind}s"]]
        assert own
        assert [each for each in whole if each in set(own)] == own


@pytest.mark.parametrize(("kind", "order"), CASES)
async def test_any_id_leads_on_even_if_nothing_is_kept(
    estate: Estate, kind: str, order: str
) -> None:
    whole = await estate.ids(kind, order, "limit=500")

    for at in (0, 3, len(whole) // 2, len(whole) - 1):
        estate.forget()
        found = await estate.ids(kind, order, "limit=4", f"marker={whole[at]}")
        assert found == whole[at + 1 : at + 5]


async def test_a_marker_that_does_not_match_has_its_place_by_what_it_is_sorted_by(
    estate: Estate,
) -> None:
    order = "sort_key=name&sort_dir=asc"
    whole = await estate.page("network", order, "limit=100")
    matching = await estate.ids("network", order, "name=Zo%C3%AB&name=alpha")
    marker = next(each["id"] for each in whole["networks"] if each["name"] == "beta")
    behind = {each["id"] for each in whole["networks"] if each["name"] == "Zoë"}
    estate.forget()

    found = await estate.ids(
        "network", order, "name=Zo%C3%AB&name=alpha", "limit=9", f"marker={marker}"
    )

    assert found == [each for each in matching if each in behind][:9]


async def test_networks_backwards(estate: Estate) -> None:
    order = "sort_key=name&sort_dir=asc"
    whole = await estate.ids("network", order)
    pages = await estate.walk("network", order, "limit=7", by_link=True)

    # By the links of the last page, back to the first.
    query = estate.query("network", order, "limit=7", f"marker={pages[-1][0]}", "page_reverse=True")
    seen: list[list[str]] = []
    while True:
        body: Any = await estate.login.get("network", f"/networks?{query}")
        seen.insert(0, [item["id"] for item in body["networks"]])
        back = [each["href"] for each in body["networks_links"] if each["rel"] == "previous"]
        if not back:
            break
        query = back[0].partition("?")[2]
    assert seen == pages[:-1]

    # From the end, and from anywhere where nothing is kept.
    assert await estate.ids("network", order, "limit=5&page_reverse=True") == whole[-5:]
    estate.forget()
    back_from = f"marker={whole[20]}"
    found = await estate.ids("network", order, "limit=5&page_reverse=True", back_from)
    assert found == whole[15:20]


@pytest.mark.parametrize("kind", list(SPREAD))
async def test_a_deleted_marker_still_tells_its_place(estate: Estate, kind: str) -> None:
    gone = await estate.make_one(kind, "tokyo", "gone")
    order = "sort_key=display_name&sort_dir=asc" if kind == "server" else _BY_NAME
    made = f"/{kind}s/{gone}"
    await _until(
        estate, made, kind, lambda it: b"creating" not in it.raw and b"BUILD" not in it.raw
    )
    whole = await estate.ids(kind, order)
    at = whole.index(gone)

    assert (await estate.ids(kind, order, f"limit={at + 1}"))[-1] == gone
    await estate.ask("DELETE", kind, made)
    await _until(estate, made, kind, lambda answer: answer.status == 404)

    found = await estate.ids(kind, order, "limit=5", f"marker={gone}")
    assert found == whole[at + 1 : at + 6]


async def _until(estate: Estate, path: str, kind: str, reached: Callable[[Answer], bool]) -> None:
    for _ in range(120):
        if reached(answer := await estate.ask("GET", kind, path)):
            return
        await asyncio.sleep(0.5)
    raise AssertionError(answer)


@pytest.mark.parametrize(
    ("kind", "status"), [("server", 400), ("network", 404), ("volume", 404), ("image", 400)]
)
async def test_an_id_that_never_was_is_refused_in_the_words_of_the_service(
    estate: Estate, kind: str, status: int
) -> None:
    never = "11111111-2222-4333-8444-555555555555"

    answer = await estate.ask("GET", kind, f"/{kind}s?limit=2&marker={never}")

    assert answer.status == status
    assert never.encode() in answer.raw


async def test_little_is_read_in_vain(estate: Estate) -> None:
    before = await _counted(estate)
    for limit in (1, 3, 10, 40):
        await estate.walk("network", f"sort_key=name&sort_dir=asc&limit={limit}", by_link=True)
        await estate.walk("image", f"limit={limit}", by_link=False)
    after = await _counted(estate)

    read, given = (after[what] - before[what] for what in ("read", "given"))
    assert given == 4 * (sum(SPREAD["network"]) + sum(SPREAD["image"]))
    assert read <= 2 * given


async def _counted(estate: Estate) -> dict[str, float]:
    url = f"{estate.fleet.gateways[0].url}/metrics"
    async with aiohttp.ClientSession() as http, http.get(url) as response:
        text = await response.text()
    found = re.findall(r'federator_list_items_total\{what="(\w+)"\} (\S+)', text)
    return {what: float(number) for what, number in found}


async def test_short_lists_stand_in_the_same_order(estate: Estate) -> None:
    full = await estate.ids("volume", "sort=size:desc,name:asc")
    short = await estate.login.get("volume", "/volumes?sort=size:desc,name:asc&limit=5")

    assert [each["id"] for each in short["volumes"]] == full[:5]
    assert {name for each in short["volumes"] for name in each} == {"id", "name", "links"}


async def test_counts_are_of_the_whole_list(estate: Estate) -> None:
    path = "/volumes/detail?limit=1&with_count=True"

    body = await estate.login.get("volume", path, version="3.45")

    assert (len(body["volumes"]), body["count"]) == (1, sum(SPREAD["volume"]))


async def test_limits(estate: Estate) -> None:
    assert await estate.ids("volume", "limit=0") == []
    assert await estate.ids("image", "limit=0") == []
    assert len(await estate.ids("network", "limit=0")) == sum(SPREAD["network"])
    assert await estate.ids("server", "limit=0") == []
    assert len(await estate.ids("server", "limit=5000")) == sum(SPREAD["server"])
    assert len(await estate.ids("volume", "limit=5000")) == sum(SPREAD["volume"])
    for kind in SPREAD:
        for limit in ("-1", "x"):
            answer = await estate.ask("GET", kind, f"/{kind}s?limit={limit}")
            assert answer.status == 400, answer


async def test_images_newer_than_others(estate: Estate) -> None:
    order = "sort=created_at:asc"
    newest = (await estate.page("image", order))["images"][-1]["created_at"]
    await asyncio.sleep(1.1)  # times are told in seconds
    made = [await estate.make_one("image", site, "new") for site in ("paris", "tokyo", "paris")]

    pages = await estate.walk("image", order, f"created_at=gt:{newest}&limit=2", by_link=True)
    for image in made:
        await estate.login.do("DELETE", "image", f"/images/{image}")

    found = [each for page in pages for each in page]
    assert sorted(found) == sorted(made)


async def test_fields_are_those_asked_for(estate: Estate) -> None:
    body = await estate.page("network", "sort_key=name&sort_dir=asc&fields=mtu&limit=4")

    assert [list(each) for each in body["networks"]] == [["mtu"]] * 4
    assert len(body["networks_links"]) == 1


@pytest.mark.filterwarnings("ignore::Warning:openstack")
async def test_the_sdk_pages_through(estate: Estate) -> None:
    auth = {
        "auth_url": f"{estate.fleet.gateways[0].url}/identity",
        "token": estate.login.token,
        "project_id": estate.login.project_id,
    }
    plain = {"load_yaml_config": False, "load_envvars": False, "region_name": "federation"}

    def listed() -> dict[str, list[str]]:
        with openstack.connect(auth_type="v3token", auth=auth, **plain) as sdk:
            networks = sdk.network.networks(
                limit=7, sort_key="name", sort_dir="asc", description=estate.mark
            )
            volumes = sdk.block_storage.volumes(limit=3)
            images = sdk.image.images(limit=4, sort="name:asc", tag=estate.mark)
            found = {"network": networks, "volume": volumes, "image": images}
            return {kind: [each.id for each in things] for kind, things in found.items()}

    found = await asyncio.to_thread(listed)

    for kind, order in (("network", _BY_NAME), ("image", _BY_NAME), ("volume", "")):
        assert (kind, found[kind]) == (kind, await estate.ids(kind, order))
