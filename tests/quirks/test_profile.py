"""What a site can do, what lifts it, and how far that carries the federation."""

from collections.abc import Callable
from typing import Any

import pytest

from adapters.abilities import Abilities
from adapters.extensions import Extensions
from adapters.probe import Probe, SiteVersions
from adapters.profile import Profile, common, in_force, reach, steps
from adapters.quirk import Asked, Quirk, Renewal, Said, Steps
from adapters.registry import all_services
from federator.versions.documents import intersection

FAR = {"id": "v2.1", "min_version": "2.1", "links": [{"rel": "self", "href": "http://s/v2.1/"}]}
COMPUTE = all_services()["compute"]


def quirk(since: tuple[int, int] | None = None, alias: str = "", **more: Any) -> Quirk:
    extension = {"alias": alias} if alias else {}
    return Quirk(service="compute", what="x.", since=since, extension=extension, **more)


# Nothing lifts to 2.6: nobody can compute that.
QUIRKS = (quirk((2, 5)), quirk((2, 8)), quirk((2, 7)), quirk((2, 4)), quirk(None, "ext"))


def test_a_site_is_lifted_up_to_the_first_gap() -> None:
    assert [each.since for each in steps((2, 3), QUIRKS)] == [(2, 4), (2, 5)]
    assert (reach((2, 3), QUIRKS), reach((2, 5), QUIRKS)) == ((2, 5), (2, 5))
    assert (reach((2, 6), QUIRKS), reach((2, 1), QUIRKS)) == ((2, 8), (2, 1))


@pytest.mark.parametrize(
    ("sites", "expected"),
    [
        ([(2, 6), (2, 8)], (2, 8)),
        ([(2, 6), (2, 7)], (2, 7)),
        ([(2, 6)], (2, 6)),
        ([(2, 3), (2, 8)], (2, 5)),
        ([(2, 3), (2, 4)], (2, 4)),
        ([(2, 1), (2, 8)], (2, 1)),
        ([(2, 9), (2, 8)], (2, 8)),
        ([], None),
    ],
)
def test_the_federation_reaches_no_further_than_any_site_does(
    sites: list[tuple[int, int]], expected: tuple[int, int] | None
) -> None:
    assert common([Profile(each) for each in sites], QUIRKS) == expected
    documents = [
        SiteVersions(200, (FAR | {"version": f"{major}.{minor}"},)) for major, minor in sites
    ]
    (entry,) = intersection(COMPUTE, documents, "http://us", QUIRKS) or [{"version": "None.None"}]
    assert entry["version"] == ".".join(map(str, expected or (None, None)))


def test_only_what_lies_between_a_site_and_the_question_acts() -> None:
    old = Profile((2, 3), frozenset())
    assert [each.since for each in in_force(old, (2, 4), QUIRKS)] == [None, (2, 4)]
    assert [each.since for each in in_force(old, (2, 5), QUIRKS)] == [None, (2, 4), (2, 5)]
    assert in_force(Profile((2, 3)), (2, 3), QUIRKS) == ()
    assert in_force(Profile((2, 3)), None, QUIRKS) == ()
    assert in_force(Profile(None), (2, 5), QUIRKS) == ()


class Account:
    """An account at a site whose services answer as told."""

    def __init__(self, site: str, **answers: tuple[int, Any]) -> None:
        self.site = site
        self.answers = answers

    async def get(self, service: str, path: str) -> Any:
        status, json = self.answers[service]
        return type("Answer", (), {"status": status, "json": json})()


def listed(*aliases: str) -> tuple[int, Any]:
    return 200, {"extensions": [{"alias": each} for each in aliases]}


async def test_extensions_are_remembered_over_broken_answers_and_count_for_all() -> None:
    extensions = Extensions(all_services())
    endpoints = {"network": "http://n"}
    abilities = Abilities(Probe(None, {}, []), extensions, ["paris", "tokyo"], {})  # type: ignore[arg-type]
    assert abilities.common_extensions("network") is None
    await extensions.refresh(Account("paris", network=listed("a", "b")), endpoints)  # type: ignore[arg-type]
    assert abilities.common_extensions("network") == {"a", "b"}
    await extensions.refresh(Account("tokyo", network=listed("b", "c")), endpoints)  # type: ignore[arg-type]
    assert abilities.common_extensions("network") == {"b"}
    for broken in ((403, {}), (200, []), (200, None), (200, {"extensions": [{"name": "x"}]})):
        await extensions.refresh(Account("tokyo", network=broken), endpoints)  # type: ignore[arg-type]
        assert abilities.common_extensions("network") == {"b"}
    await extensions.refresh(Account("tokyo", network=listed("a")), endpoints)  # type: ignore[arg-type]
    assert abilities.common_extensions("network") == {"a"}
    assert abilities.common_extensions("compute") is None


ITEMS = [{"id": str(number), "keep": number % 4 == 0} for number in range(10)]


def site_of_pages(asked: Asked) -> Said:
    """An older site that knows no filter and gives links as Nova and Neutron do."""
    limit = int((asked.words("limit") or ["1000"])[0])
    marker = (asked.words("marker") or [""])[0]
    backwards = bool(asked.words("page_reverse"))
    items = ITEMS[::-1] if backwards else ITEMS
    start = [item["id"] for item in items].index(marker) + 1 if marker else 0
    found = items[start : start + limit]
    body: dict[str, Any] = {"things": found[::-1] if backwards else found}
    if len(found) == limit:
        body["things_links"] = [{"rel": "previous" if backwards else "next", "href": "x"}]
    return Said(200, body)


def run(steps: Steps, site: Callable[[Asked], Said] = site_of_pages) -> Said:
    """What comes of it at that site."""
    try:
        wanted = next(steps)
        while True:
            wanted = steps.send([site(each) for each in wanted])
    except StopIteration as done:
        said: Said = done.value
        return said


def test_a_list_that_goes_round_in_circles_comes_to_an_end() -> None:
    asked = Asked("GET", "/things", "limit=2")
    links = {"things_links": [{"rel": "next", "href": "x"}]}
    pages = iter([Said(200, {"things": [{"id": each}], **links}) for each in "ababababab"])
    said = run(
        Renewal(key="thing", keys="things").list(asked, lambda item: False), lambda _: next(pages)
    )
    assert said.body == {"things": []}
    assert len(list(pages)) > 5


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 20])
@pytest.mark.parametrize("backwards", [False, True])
def test_a_page_of_what_is_kept_is_full_and_nothing_is_lost(limit: int, backwards: bool) -> None:
    found: list[str] = []
    marker = ""
    while True:
        query = f"limit={limit}" + (f"&marker={marker}" if marker else "")
        asked = Asked("GET", "/things", query + "&page_reverse=true" * backwards)
        renewal = Renewal(key="thing", keys="things")
        body = run(renewal.list(asked, lambda item: bool(item["keep"]))).body
        page = [item["id"] for item in body["things"]]
        assert len(page) <= limit
        found = [*page, *found] if backwards else [*found, *page]
        if "things_links" not in body or not page:
            break
        marker = page[0 if backwards else -1]
    assert found == ["0", "4", "8"]
