"""300 servers at three real sites, read with the unmodified command and the SDK, look like one big site's."""

import asyncio
import re
from collections.abc import Callable
from typing import Any
from unicodedata import combining, normalize
from urllib.parse import parse_qs, urlsplit

import openstack
import orjson
import pytest

from tests.e2e.openstack_cli import CommandServer, Openstack
from tests.lists.conftest import SITES, SPREAD, Estate

pytestmark = pytest.mark.lab

Server = dict[str, Any]


def _collated(text: str) -> str:
    """As utf8_general_ci, the collation of the sites' databases, takes a name."""
    return "".join(each for each in normalize("NFD", text) if not combining(each)).upper()


def _newest_first(server: Server) -> Any:
    return [-ord(sign) for sign in server["created"]]


BIG_SITE: dict[str, Callable[[Server], Any]] = {
    "": _newest_first,
    "sort_key=created_at&sort_dir=asc": lambda server: server["created"],
    "sort_key=display_name&sort_dir=asc": lambda server: _collated(server["name"]),
    "sort_key=vm_state&sort_dir=asc&sort_key=created_at&sort_dir=desc": lambda server: (
        server["OS-EXT-STS:vm_state"],
        _newest_first(server),
    ),
}
"""Order -> what one big site would sort by. What is equal in it stands in the order of the sites."""


async def _of_one_big_site(estate: Estate, order: str) -> list[str]:
    """What the sites say, each for itself, in the order of one that has it all."""
    found: list[Server] = []
    for site in SITES:
        body = await estate.get("server", f"/servers/detail?{order}", site=site)
        found += body["servers"]
    return [each["id"] for each in sorted(found, key=BIG_SITE[order])]


@pytest.mark.parametrize("order", BIG_SITE)
async def test_they_are_one_list_and_little_is_read_for_it(estate: Estate, order: str) -> None:
    wanted = await _of_one_big_site(estate, order)
    assert len(set(wanted)) == sum(SPREAD["server"])

    before = _read_at_the_sites(estate)
    walks = [(25, True), (25, False), (120, False), (1000, True)]
    for limit, by_link in walks:
        pages = await estate.walk("server", order, f"limit={limit}", by_link=by_link)
        assert [each for page in pages for each in page] == wanted
    assert _read_at_the_sites(estate) - before <= 2 * len(walks) * len(wanted)


async def test_the_sites_are_never_asked_without_a_limit(estate: Estate) -> None:
    estate.forget()
    await estate.ids("server", f"marker={(await estate.ids('server', 'limit=99'))[70]}")

    asked = [parse_qs(urlsplit(target).query) for target, _ in _lists_at_the_sites(estate)]

    assert asked
    assert all("limit" in query for query in asked)


def _lists_at_the_sites(estate: Estate) -> list[tuple[str, bytes]]:
    """What the Novas were asked for lists in the user's name, and what they said."""
    return [
        (each.target, each.response.body)
        for each in estate.recorder.exchanges()
        if re.search(r"/servers(/detail)?\?", each.target)
        and "all_tenants" not in each.target
        and each.status == 200
    ]


def _read_at_the_sites(estate: Estate) -> int:
    """How many servers the sites have given, as they themselves count."""
    return sum(len(orjson.loads(body)["servers"]) for _, body in _lists_at_the_sites(estate))


@pytest.fixture(scope="module")
def command(
    estate: Estate, commands: CommandServer, tmp_path_factory: pytest.TempPathFactory
) -> Openstack:
    """The user's command."""
    return estate.command(commands, tmp_path_factory.mktemp("servers"))


async def test_the_command_lists_them_all(estate: Estate, command: Openstack) -> None:
    wanted = await _of_one_big_site(estate, "")

    assert await asyncio.to_thread(command.ids, "server", "list") == wanted


async def test_the_command_goes_from_page_to_page(estate: Estate, command: Openstack) -> None:
    wanted = await _of_one_big_site(estate, "")
    found: list[str] = []
    while len(found) < 300:
        words = ["--limit", "110", *(["--marker", found[-1]] if found else [])]
        found += await asyncio.to_thread(command.ids, "server", "list", *words)

    assert found == wanted
    words = ["--max-items", "130", "--marker", wanted[33]]
    assert await asyncio.to_thread(command.ids, "server", "list", *words) == wanted[34:164]


@pytest.mark.filterwarnings("ignore::Warning:openstack")
async def test_the_sdk_pages_through(estate: Estate) -> None:
    order = "sort_key=display_name&sort_dir=asc"
    auth = {
        "auth_url": f"{estate.fleet.gateways[0].url}/identity",
        "token": estate.login.token,
        "project_id": estate.login.project_id,
    }

    def listed() -> list[str]:
        plain = {"load_yaml_config": False, "load_envvars": False, "region_name": "federation"}
        with openstack.connect(auth_type="v3token", auth=auth, **plain) as sdk:
            found = sdk.compute.servers(limit=70, sort_key="display_name", sort_dir="asc")
            return [each.id for each in found]

    assert await asyncio.to_thread(listed) == await _of_one_big_site(estate, order)


async def test_older_commands_ask_for_what_is_behind_the_last_one_until_nothing_is(
    estate: Estate,
) -> None:
    """``--limit -1`` of older clients: no limit, but a marker each time."""
    wanted = await _of_one_big_site(estate, "")
    found: list[str] = []
    while page := await estate.ids("server", *([f"marker={found[-1]}"] if found else [])):
        found += page

    assert found == wanted
