"""Usage of more servers than a site gives at once: read page by page, by the markers in links, added up."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import pytest
from multidict import CIMultiDict

from adapters.errors import SiteUnreachable
from adapters.identity import SiteToken
from adapters.registry import all_services
from federator.asker import Question
from federator.call import SiteCall, SiteReply
from federator.paging import page_of
from federator.route import route
from federator.sitelist import pages_for, whole_document

SERVERS = [f"server-{number}" for number in range(7)]
PROJECT = "a" * 32
TOKEN = SiteToken("paris", "token", "user", "project", datetime.now(UTC), {})


class Nova:
    """Gives the usage of three servers at a time; a link leads on."""

    def __init__(self, one: bool, *, endless: bool = False) -> None:
        self.asked: list[str] = []
        self._one, self._endless = one, endless

    def localized(self, question: Question, token: object) -> SiteCall:
        call = question.call
        base = "http://nova/v2.1"
        return SiteCall(
            "paris", "compute", "GET", base, call.path, call.query, CIMultiDict(), None, {}
        )

    async def send(self, site_call: SiteCall, token: object) -> SiteReply:
        self.asked.append(site_call.query)
        marker = parse_qs(site_call.query).get("marker", [""])[0]
        start = SERVERS.index(marker) + 1 if marker and not self._endless else 0
        found = SERVERS[start : start + 3]
        usage = {
            "tenant_id": PROJECT,
            "total_hours": 1.5 * len(found),
            "server_usages": [{"instance_id": each, "hours": 1.5} for each in found],
        }
        key = "tenant_usage" if self._one else "tenant_usages"
        body: dict[str, Any] = {key: usage if self._one else [usage]}
        if found[-1] != SERVERS[-1]:
            href = f"http://nova/os-simple-tenant-usage?marker={found[-1]}"
            body[f"{key}_links"] = [{"rel": "next", "href": href}]
        return SiteReply("paris", 200, body=body)


def question(path: str) -> Question:
    service = all_services()["compute"]
    rest, _, query = path.partition("?")
    call = route(service, "GET", service.version + rest, query=query)
    assert call is not None
    return Question(call, None, None, None, "req-1")  # type: ignore[arg-type]


async def test_the_usage_of_a_project_is_whole() -> None:
    nova = Nova(one=True)
    asked = question(f"/os-simple-tenant-usage/{PROJECT}?start=2026-01-01&limit=2&marker=x")

    reply, _ = await whole_document(nova, asked, TOKEN)  # type: ignore[arg-type]

    usage = reply.body["tenant_usage"]
    assert [each["instance_id"] for each in usage["server_usages"]] == SERVERS
    assert usage["total_hours"] == 1.5 * len(SERVERS)
    assert list(reply.body) == ["tenant_usage"]
    start = "start=2026-01-01"
    assert nova.asked == [start, f"{start}&marker=server-2", f"{start}&marker=server-5"]


async def test_the_usage_of_all_projects_is_whole() -> None:
    nova = Nova(one=False)
    asked = question("/os-simple-tenant-usage?detailed=1")
    assert asked.call.resource is not None
    page = page_of(asked.call.service, asked.call.resource, asked.call.query)

    reply, _ = await pages_for(page)(nova, asked, TOKEN)  # type: ignore[arg-type]

    found = [s for usage in reply.body["tenant_usages"] for s in usage["server_usages"]]
    assert [each["instance_id"] for each in found] == SERVERS


@pytest.mark.parametrize("one", [True, False])
async def test_a_site_that_leads_in_circles_is_not_followed_for_ever(one: bool) -> None:
    asked = question(f"/os-simple-tenant-usage{f'/{PROJECT}' if one else ''}")
    assert asked.call.resource is not None
    page = page_of(asked.call.service, asked.call.resource, asked.call.query)
    read = whole_document if one else pages_for(page)

    with pytest.raises(SiteUnreachable, match="does not end"):
        await read(Nova(one, endless=True), asked, TOKEN)  # type: ignore[arg-type]
