"""A site that answers, but not what it should: the other cells of the table in docs/behaviour.md."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from requests import Response

from tests.e2e.api import Api
from tests.missing_site.conftest import World
from tests.missing_site.moody import (
    BROKEN,
    GOOD,
    HALF,
    MOODS,
    REFUSES,
    SLOW,
    STATUSES,
    Moody,
)
from tests.missing_site.things import LEAVES, boot

NOBODYS = "0f0e0d0c-0b0a-4908-8706-050403020100"
SPOILT = (HALF, BROKEN)
"""As good as no answer: to a read what was last known, of a write nobody knows whether it was done."""


class Servers(NamedTuple):
    """One at the site, and one to be deleted there."""

    stays: str
    goes: str


@pytest.fixture(scope="module")
def moody() -> Iterator[Moody | None]:
    moody = Moody()
    yield moody
    moody.close()


@pytest.fixture(scope="module")
def api(world: World) -> Iterator[Api]:
    with world.client() as api:
        yield api


@pytest.fixture(scope="module")
def servers(api: Api) -> Servers:
    made = Servers(boot(api, LEAVES, "stays")["id"], boot(api, LEAVES, "goes")["id"])
    # As last known: both, and the numbers.
    api.get("compute", "/servers/detail")
    api.get("compute", "/limits")
    return made


@pytest.fixture(params=MOODS)
def mood(
    request: pytest.FixtureRequest, servers: Servers, world: World, moody: Moody
) -> Iterator[str]:
    moody.mood = request.param
    yield request.param
    moody.mood = GOOD
    assert not world.away(), "whoever answers is not away"


def _named(response: Response) -> str:
    return response.headers.get("X-Federation-Missing-Sites", "")


def _listed(response: Response) -> list[str]:
    assert response.status_code == 200, response.text
    return [each["id"] for each in response.json()["servers"]]


def test_list(mood: str, servers: Servers, api: Api) -> None:
    response = api.call("GET", "compute", "/servers")
    assert _named(response) == ("" if mood in (GOOD, SLOW) else LEAVES)
    assert (servers.stays in _listed(response)) is (mood != REFUSES)


def test_filtered_list(mood: str, servers: Servers, api: Api) -> None:
    response = api.call("GET", "compute", "/servers?name=stays")
    if mood == REFUSES:
        assert response.status_code == 503
    else:
        assert _listed(response) == [servers.stays]
        assert _named(response) == ("" if mood in (GOOD, SLOW) else LEAVES)


def test_show_known(mood: str, servers: Servers, api: Api) -> None:
    response = api.call("GET", "compute", f"/servers/{servers.stays}")
    if mood in STATUSES:
        assert response.status_code == STATUSES[mood]
    elif mood == REFUSES:
        assert response.status_code == 503
    else:
        assert response.status_code == 200
        assert response.json()["server"]["status"] == ("UNKNOWN" if mood in SPOILT else "ACTIVE")
        assert _named(response) == (LEAVES if mood in SPOILT else "")


def test_show_unknown(mood: str, api: Api) -> None:
    assert api.call("GET", "compute", f"/servers/{NOBODYS}").status_code == 404


def test_create(mood: str, servers: Servers, api: Api) -> None:
    image = api.get("image", "/v2/images?name=cirros")["images"][0]["id"]
    body: dict[str, Any] = {"name": mood, "imageRef": image, "flavorRef": "1", "networks": "none"}
    response = api.call(
        "POST", "compute", "/servers", {"server": body}, site=LEAVES, microversion="2.37"
    )
    assert response.status_code == _of_a_write(mood, 202)
    if mood in SPOILT:
        assert "Look before you repeat it (req-" in response.text


def test_delete(mood: str, servers: Servers, api: Api) -> None:
    gone = f"/servers/{servers.goes if mood == SLOW else servers.stays}"
    if mood == GOOD:
        gone = f"/servers/{boot(api, LEAVES, 'short-lived')['id']}"
    assert api.call("DELETE", "compute", gone).status_code == _of_a_write(mood, 204)


def _of_a_write(mood: str, done: int) -> int:
    if mood in SPOILT:
        return 504
    return {GOOD: done, SLOW: done, REFUSES: 503, **STATUSES}[mood]


def test_quotas(mood: str, servers: Servers, api: Api) -> None:
    response = api.call("GET", "compute", "/limits")
    if mood == REFUSES:
        assert response.status_code == 503
    else:
        assert response.json()["limits"]["absolute"]["maxTotalInstances"] == 20
        assert _named(response) == ("" if mood in (GOOD, SLOW) else LEAVES)
