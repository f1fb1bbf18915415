"""A link of a site is ours whichever way it was looked up: by its collection, or piece by piece."""

from urllib.parse import quote

import pytest

from adapters.registry import all_services
from adapters.spec import LINK
from federator.site_links import SiteLinks

PROJECT = "b" * 32
IDS = [
    "11111111-1111-4111-8111-111111111111",
    "2" * 32,
    "33333333-3333-4333-8333-333333333333",
    PROJECT,
]
ENDPOINTS = {
    "compute": "http://site/compute/v2.1",
    "image": "http://site/image",
    "network": "http://site/network",
    "volumev3": f"http://site/volume/v3/{PROJECT}",
}
PATHS = [
    "http://site/compute/v2.1/servers/{}",
    "http://site/compute/flavors/{}",
    "http://site/compute/v2.1/servers/11111111-1111-4111-8111-111111111111/os-volume_attachments/{}",
    "http://site/compute/v2.1/{}",
    f"http://site/compute/v2.1/{PROJECT}/servers/{{}}",
    "http://site/compute/v2.1/nobody-declared-this/{}",
    f"http://site/volume/v3/{PROJECT}/volumes/{{}}",
    "http://site/volume/v3/{}",
    "http://site/volume/v3/44444444444444444444444444444444/volumes/{}",
    "http://site/image/v2/images/{}/file",
    "http://site/network/v2.0/ports?device_id={}",
    "http://site/compute/v2.1/servers?marker=a/{}",
    "http://balancer//images/{}",
    "http://console:6080/vnc/{}",
    "/v2/images/{}",
    "{}",
]


def _change(kind: str, value: object) -> str:
    assert kind != LINK
    return f"{kind} of {value}"


@pytest.mark.parametrize("path", PATHS)
def test_a_link_is_the_same_by_its_collection_and_piece_by_piece(path):
    links = SiteLinks(tuple(all_services().values()), ENDPOINTS, "https://ours")
    for local_id in IDS:
        url = path.format(local_id)
        general = links._in_general(url, PROJECT, _change)
        assert links.ours(url, PROJECT, _change) == general


def test_the_usual_links_need_no_second_look():
    links = SiteLinks(tuple(all_services().values()), ENDPOINTS, "https://ours")
    for usual in (PATHS[0], PATHS[1], PATHS[6]):
        first = links.ours(usual.format(IDS[0]), PROJECT, _change)
        links._in_general = None
        second = links.ours(usual.format(IDS[2]), PROJECT, _change)
        assert second == first.replace(quote(IDS[0]), IDS[2])
        del links._in_general
