"""``/federation/v1`` of a real gateway: who sees what of the sites, of IDs, of himself."""

import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.api.office import Office
from tests.e2e.api import cloud
from tests.e2e.waiting import until

V1 = "/federation/v1"


@pytest.fixture(scope="module")
def member(office: Office) -> str:
    return office.hire("member", "member").token()


@pytest.fixture(scope="module")
def reader(office: Office) -> str:
    return office.hire("reader", "reader").token()


@pytest.fixture(scope="module")
def admin(office: Office) -> str:
    return office.admin()


@pytest.fixture(scope="module")
def network(office: Office, member: str) -> Iterator[dict[str, Any]]:
    """A network of the project at tokyo."""
    new = {"network": {"name": "looked-up"}}
    sent = {"X_Federation_Site": "tokyo"}
    made = office.ask("POST", "/network/v2.0/networks", member, new, **sent).json()["network"]
    yield made
    office.ask("DELETE", f"/network/v2.0/networks/{made['id']}", member)


def local_id(office: Office, name: str) -> str:
    admin = cloud(office.lab, "tokyo-admin")
    (found,) = admin.get("network", f"/v2.0/networks?name={name}")["networks"]
    admin.close()
    return str(found["id"])


def own_url(office: Office, document: dict[str, Any]) -> bool:
    return all(link["href"].startswith(office.url) for link in document["links"])


def test_versions_need_no_token(office: Office) -> None:
    root = office.ask("GET", "/federation")
    assert root.status_code == 300
    (entry,) = root.json()["versions"]
    document = office.ask("GET", f"{V1}/")
    assert document.status_code == 200
    assert document.json() == {"version": entry}
    assert (entry["id"], entry["status"]) == ("v1.0", "CURRENT")
    assert own_url(office, entry)
    assert requests.get(entry["links"][0]["href"], timeout=30).json() == {"version": entry}


@pytest.mark.parametrize("path", ["/sites", "/sites/paris", "/ids/x", "/whoami", "/nonesuch"])
def test_everything_else_needs_one(office: Office, path: str) -> None:
    for token in ("", "gAAAAABnonsense"):
        answer = office.ask("GET", V1 + path, token)
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == 401
        assert answer.headers["WWW-Authenticate"] == f'Keystone uri="{office.url}/identity"'


@pytest.mark.parametrize("path", ["/nonesuch", "/sites/rome", "/sites/paris/x", "", "/ids"])
def test_what_is_not_there_is_404(office: Office, reader: str, path: str) -> None:
    answer = office.ask("GET", f"{V1}{path}x" if not path else V1 + path, reader)
    assert answer.status_code == 404
    assert answer.json()["error"]["title"] == "Not Found"
    assert answer.headers["X-Openstack-Request-Id"]


@pytest.mark.parametrize("path", ["/sites", "/sites/paris", "/whoami"])
def test_nothing_can_be_changed(office: Office, admin: str, path: str) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert office.ask(method, V1 + path, admin, {}).status_code == 405
    head = office.ask("HEAD", V1 + path, admin)
    assert (head.status_code, head.content) == (200, b"")


def test_an_admin_pauses_and_resumes_a_site(office: Office, admin: str, member: str) -> None:
    site = f"{V1}/sites/tokyo"
    try:
        paused = office.ask("POST", f"{site}/pause", admin, {"pause": {"reason": "new disks"}})
        assert paused.status_code == 200
        shown = office.ask("GET", site, member).json()["site"]["paused"]
        assert shown == paused.json()["site"]["paused"]
        assert shown["reason"] == "new disks"
        event = office.event_of(paused)
        assert (event["action"], event["target"]["id"]) == ("update/pause", "tokyo")
        assert event["initiator"]["name"] == "admin"
        # Once more, without saying why: it has been paused since then all the same.
        again = office.ask("POST", f"{site}/pause", admin).json()["site"]["paused"]
        assert again == {"since": shown["since"], "reason": None}
    finally:
        resumed = office.ask("POST", f"{site}/resume", admin)
    assert resumed.status_code == 200
    assert resumed.json()["site"]["paused"] is None
    assert office.event_of(resumed)["action"] == "update/resume"
    assert office.ask("POST", f"{site}/resume", admin).status_code == 200


@pytest.mark.parametrize("act", ["pause", "resume"])
def test_nobody_else_pauses_or_resumes(office: Office, member: str, act: str) -> None:
    answer = office.ask("POST", f"{V1}/sites/tokyo/{act}", member)
    assert answer.status_code == 403
    assert f"federation:{act}_site" in answer.json()["error"]["message"]
    assert office.event_of(answer)["outcome"] == "failure"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"pause": {"reason": "x" * 201}}, "reason: not one line of up to 200 characters"),
        ({"pause": {"reason": "two\nlines"}}, "reason: not one line of up to 200 characters"),
        ({"pause": {"reason": 7}}, "reason: is not a text"),
        ({"pause": {"until": "nine"}}, "The body is not"),
        ({"pause": None}, "The body is not"),
        ([], "The body is not"),
    ],
)
def test_a_pause_that_makes_no_sense(office: Office, admin: str, body: Any, said: str) -> None:
    answer = office.ask("POST", f"{V1}/sites/tokyo/pause", admin, body)
    assert answer.status_code == 400
    assert said in answer.json()["error"]["message"]
    assert office.ask("GET", f"{V1}/sites/tokyo", admin).json()["site"]["paused"] is None


def test_bodies_for_our_own_api_have_an_end(office: Office, admin: str) -> None:
    large = {"pause": {"reason": "x" * 20_000}}
    assert office.ask("POST", f"{V1}/sites/tokyo/pause", admin, large).status_code == 413
    assert office.ask("POST", f"{V1}/sites/rome/pause", admin).status_code == 404
    assert office.ask("GET", f"{V1}/sites/tokyo/pause", admin).status_code == 405


@pytest.mark.parametrize("who", ["reader", "member"])
def test_everybody_sees_what_sites_can_do(
    office: Office, request: pytest.FixtureRequest, who: str
) -> None:
    answer = office.ask("GET", f"{V1}/sites", request.getfixturevalue(who))
    assert answer.status_code == 200
    sites = {site["name"]: site for site in answer.json()["sites"]}
    assert list(sites) == ["paris", "tokyo"]
    rows: list[dict[str, Any]] = []
    for name, site in sites.items():
        assert site["strategy"] == "k2k"
        assert site["reachable"]
        assert site["usable"]
        assert site["paused"] is None
        assert site["default"] == (name == "paris")
        assert own_url(office, site)
        services = {service["type"]: service for service in site["services"]}
        wanted = {"compute", "network", "image", "block-storage", "placement"}
        assert wanted <= services.keys()
        assert all(service["reachable"] for service in services.values())
        assert not any(service["away_since"] for service in services.values())
        assert not {"urls", "errors", "id_map"} & site.keys()
        shown = office.ask("GET", f"{V1}/sites/{name}", request.getfixturevalue(who))
        whole = shown.json()["site"]
        matrix = {service["type"]: service for service in whole["services"]}
        assert {*whole, "services"} == set(site)
        for service, entry in services.items():
            assert {name: matrix[service][name] for name in entry} == entry
        rows.append(matrix)
    newest = [
        max(
            int(version["max_microversion"].split(".")[1])
            for service in site["services"]
            if service["type"] == "compute"
            for version in service["versions"]
            if version["max_microversion"]
        )
        for site in sites.values()
    ]
    assert newest[0] > newest[1], "paris is the newer release"
    _is_the_matrix(*rows)


def _is_the_matrix(paris: dict[str, Any], tokyo: dict[str, Any]) -> None:
    """The newer release is kept back by the older one, which is lifted where that can be computed."""
    newer, older = (each["compute"]["microversions"] for each in (paris, tokyo))
    assert newer["federation"] == older["federation"] == older["lifted_to"] == older["own"]
    assert (newer["lowers_federation"], older["lowers_federation"]) == (False, True)
    newer, older = (each["block-storage"]["microversions"] for each in (paris, tokyo))
    assert newer["own"] == older["lifted_to"] == older["federation"] != older["own"]
    newer, older = (each["network"]["extensions"] for each in (paris, tokyo))
    assert older["lifted"] == ["subnet-external-network"]
    assert set(newer["own"]) - set(newer["not_offered"]) == {*older["own"], *older["lifted"]}
    assert older["keeps_from_federation"] == newer["not_offered"] != []
    (quirk,) = tokyo["network"]["quirks"]
    assert quirk["extension"] == "subnet-external-network"
    assert tokyo["image"]["extensions"] is None


def test_admins_see_the_insides_of_sites(office: Office, admin: str) -> None:
    for site in office.ask("GET", f"{V1}/sites", admin).json()["sites"]:
        assert {"identity", "compute", "network"} <= site["urls"].keys()
        assert all(url.startswith("http://127.0.0.1:") for url in site["urls"].values())
        assert site["errors"] == {}
        assert site["id_map"] == {"complete": True, "incomplete": []}


def test_a_project_is_at_a_site_from_its_first_login_on(office: Office) -> None:
    domain = office.people.domain_id
    new = {"project": {"name": f"late-{uuid.uuid4().hex[:6]}", "domain_id": domain}}
    project = office.home.do("POST", "identity", "/projects", new)["project"]
    clerk = office.hire("late", "member")
    role = office.home.get("identity", "/roles?name=member")["roles"][0]["id"]
    grant = f"/projects/{project['id']}/users/{clerk.user_id}/roles/{role}"
    office.home.do("PUT", "identity", grant)
    user = {"id": clerk.user_id, "password": clerk.password}
    identity = {"methods": ["password"], "password": {"user": user}}
    token = office.log_in(identity, {"id": project["id"]})

    def seen(name: str) -> tuple[bool, bool]:
        site = office.ask("GET", f"{V1}/sites/{name}", token).json()["site"]
        sites = office.ask("GET", f"{V1}/whoami", token).json()["whoami"]["sites"]
        (mine,) = (each for each in sites if each["name"] == name)
        assert (mine["exchanged_at"] is None) == (not mine["has_token"])
        assert "project_id" not in mine
        return site["has_project"], mine["has_token"]

    assert seen("tokyo") == (False, False), "to look takes no exchange"
    group = {"security_group": {"name": "first"}}
    sent = {"X_Federation_Site": "tokyo"}
    made = office.ask("POST", "/network/v2.0/security-groups", token, group, **sent)
    assert made.status_code == 201, made.text
    assert seen("tokyo") == (True, True)
    assert seen("paris") == (False, False)
    mine = made.json()["security_group"]["id"]
    assert office.ask("DELETE", f"/network/v2.0/security-groups/{mine}", token).status_code == 204
    site = cloud(office.lab, "tokyo-admin")
    tag = f"federator-home-{project['id']}"
    for each in site.get("identity", f"/projects?tags={tag}")["projects"]:
        site.do("DELETE", "identity", f"/projects/{each['id']}")
    site.close()


def test_an_id_is_looked_up(
    office: Office, network: dict[str, Any], reader: str, admin: str
) -> None:
    known, local = network["id"], local_id(office, network["name"])
    expected = {"id": known, "kind": None, "origin": "computed", "sites": ["tokyo"]}
    for asked in (known, local, known.upper(), known.replace("-", "")):
        answer = office.ask("GET", f"{V1}/ids/{asked}", reader)
        assert (answer.status_code, answer.json()) == (200, {"object": expected})
        assert local not in answer.text
        answer = office.ask("GET", f"{V1}/ids/{asked}", admin)
        assert answer.json()["object"]["local_ids"] == {"tokyo": local}


def test_an_id_of_several_sites(office: Office, reader: str, admin: str) -> None:
    images = office.ask("GET", "/image/v2/images?name=cirros", reader).json()["images"]
    shown = office.ask("GET", f"{V1}/ids/{images[0]['id']}", reader).json()["object"]
    assert (shown["kind"], shown["origin"]) == ("image", "equal")
    assert shown["sites"] == ["paris", "tokyo"]
    shown = office.ask("GET", f"{V1}/ids/{images[0]['id']}", admin).json()["object"]
    for local in shown["local_ids"].values():
        again = office.ask("GET", f"{V1}/ids/{local}", admin).json()["object"]
        assert again == shown


@pytest.mark.parametrize("unknown", [str(uuid.UUID(int=7 << 100)), "cirros", "1", "%2e%2e", "ж"])
def test_an_unknown_id_is_404(office: Office, reader: str, unknown: str) -> None:
    assert office.ask("GET", f"{V1}/ids/{unknown}", reader).status_code == 404


def test_projects_and_users_of_others_are_for_admins(
    office: Office, member: str, reader: str, admin: str
) -> None:
    office.ask("GET", "/compute/v2.1/servers", member)
    me = office.ask("GET", f"{V1}/whoami", member).json()["whoami"]
    for own in (me["user"]["id"], me["project"]["id"]):
        assert office.ask("GET", f"{V1}/ids/{own}", member).status_code == 200
    assert office.ask("GET", f"{V1}/ids/{me['user']['id']}", reader).status_code == 404
    shown = office.ask("GET", f"{V1}/ids/{me['user']['id']}", admin).json()["object"]
    assert shown["kind"] == "user"
    assert {alias["site"] for alias in shown["aliases"]} == {"paris", "tokyo"}
    for alias in shown["aliases"]:
        assert office.ask("GET", f"{V1}/ids/{alias['local_id']}", member).status_code == 404


def test_who_i_am(office: Office, reader: str) -> None:
    me = office.ask("GET", f"{V1}/whoami", reader).json()["whoami"]
    people = office.people
    assert me["user"]["domain"] == {"id": people.domain_id, "name": people.domain}
    assert me["project"]["id"] == people.project_id
    assert me["roles"] == ["reader"]
    assert [site["name"] for site in me["sites"]] == ["paris", "tokyo"]
    assert reader not in office.ask("GET", f"{V1}/whoami", reader).text


def test_an_unscoped_login_knows_itself_and_nothing_else(office: Office) -> None:
    clerk = office.hire("unscoped", "member")
    user = {"id": clerk.user_id, "password": clerk.password}
    token = office.log_in({"methods": ["password"], "password": {"user": user}}, None)
    assert office.ask("GET", f"{V1}/whoami", token).json()["whoami"]["project"] is None
    refused = office.ask("GET", f"{V1}/sites", token)
    assert refused.status_code == 403
    message = "Policy doesn't allow federation:list_sites to be performed."
    assert refused.json()["error"]["message"] == message


def test_a_policy_that_changes_is_in_force_at_once(
    office: Office, reader: str, member: str
) -> None:
    office.policy_file.write_text('"federation:list_sites": "rule:project_member"\n')
    try:
        assert office.ask("GET", f"{V1}/sites", reader).status_code == 403
        assert office.ask("GET", f"{V1}/sites", member).status_code == 200
        office.policy_file.write_text("broken: [")
        assert office.ask("GET", f"{V1}/sites", reader).status_code == 403
        until(lambda: "policy not taken" in office.gateway.log.read_text(), "it is said")
    finally:
        office.policy_file.write_text("")
    assert office.ask("GET", f"{V1}/sites", reader).status_code == 200


def test_hits_of_the_caches_are_counted(
    office: Office, member: str, network: dict[str, Any]
) -> None:
    path = f"/network/v2.0/networks/{network['id']}"
    for _ in range(2):
        assert office.ask("GET", path, member).status_code == 200
    before = _looks(office)
    assert office.ask("GET", path, member).status_code == 200
    after = _looks(office)
    for cache in ("home tokens", "site tokens", "id map"):
        assert after[cache, "hit"] > before[cache, "hit"]
    for cache in ("home tokens", "site tokens"):
        assert after[cache, "miss"] > 0


def _looks(office: Office) -> dict[tuple[str, str], float]:
    shown = requests.get(f"{office.monitor}/metrics", timeout=30).text
    line = re.compile(
        r'^federator_cache_total\{cache="([^"]+)",outcome="(\w+)"\} (\S+)$', re.MULTILINE
    )
    return {(cache, outcome): float(value) for cache, outcome, value in line.findall(shown)}


def test_metrics_are_at_the_listener_for_monitoring_only(office: Office) -> None:
    shown = requests.get(f"{office.monitor}/metrics", timeout=30)
    assert shown.status_code == 200
    assert "federator_requests_total" in shown.text
    assert office.ask("GET", "/metrics").status_code == 404
    for url in (office.url, office.monitor):
        assert requests.get(f"{url}/healthcheck", timeout=30).json()["status"] == "OK"
    assert requests.get(f"{office.monitor}/compute/v2.1/servers", timeout=30).status_code == 404
