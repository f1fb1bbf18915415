"""The audit of a real gateway: an event for each request, and no secret in any of them."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from federator.secrets import hashed
from tests.adversarial.gateways import GatewayProcess
from tests.api.office import Clerk, Office
from tests.e2e.waiting import until

NOBODYS = "11111111-2222-4333-8444-555555555555"
MINE = "req-0a0a0a0a-1b1b-4c2c-8d3d-4e4e4e4e4e4e"


@pytest.fixture(scope="module")
def clerk(office: Office) -> Clerk:
    return office.hire("clerk", "member")


@pytest.fixture(scope="module")
def token(clerk: Clerk) -> str:
    return clerk.token()


def login(office: Office, identity: dict[str, Any], **scope: Any) -> requests.Response:
    body = {"auth": {"identity": identity, **scope}}
    return office.ask("POST", "/identity/v3/auth/tokens", body=body)


def password(clerk: Clerk, secret: str) -> dict[str, Any]:
    user = {
        "name": clerk.name,
        "domain": {"name": clerk.office.people.domain},
        "password": secret,
    }
    return {"methods": ["password"], "password": {"user": user}}


def sites_of(event: dict[str, Any]) -> dict[str, str]:
    (attached,) = event["attachments"]
    return {each["site"]: each["status"] for each in attached["content"]}


def test_a_list(office: Office, clerk: Clerk, token: str) -> None:
    sent = {"X_Openstack_Request_Id": MINE, "User_Agent": "auditor/1"}
    event = office.event_of(office.ask("GET", "/compute/v2.1/servers?x=1", token, **sent))
    assert event["action"] == "read/list"
    assert event["outcome"] == "success"
    assert event["target"] == {"typeURI": "service/compute/servers", "id": "unknown"}
    assert event["requestPath"] == "/compute/v2.1/servers"
    initiator = event["initiator"]
    assert (initiator["id"], initiator["name"]) == (clerk.user_id, clerk.name)
    assert initiator["project_id"] == office.people.project_id
    assert initiator["domain"] == office.people.domain
    assert initiator["host"] == {"address": "127.0.0.1", "agent": "auditor/1"}
    assert initiator["credential"] == {"type": "token", "token": hashed(token)}
    assert (initiator["request_id"], initiator["global_request_id"]) == (event["id"], MINE)
    assert event["observer"]["id"] == office.url
    assert event["observer"]["host"]["address"] == socket.gethostname()
    assert sites_of(event) == {"paris": "200", "tokyo": "200"}
    for each in event["attachments"][0]["content"]:
        assert re.fullmatch(r"req-[0-9a-f-]{36}", each["request_id"])


@pytest.mark.parametrize("site", ["paris", "tokyo"])
def test_the_life_of_a_network(office: Office, token: str, site: str) -> None:
    new = {"network": {"name": "audited"}}
    made = office.ask("POST", "/network/v2.0/networks", token, new, X_Federation_Site=site)
    network = made.json()["network"]["id"]
    path = f"/network/v2.0/networks/{network}"
    steps = [
        (made, "create"),
        (office.ask("GET", path, token), "read"),
        (office.ask("PUT", path, token, {"network": {"name": "renamed"}}), "update"),
        (office.ask("DELETE", path, token), "delete"),
    ]
    for answer, action in steps:
        event = office.event_of(answer)
        assert (event["action"], event["outcome"]) == (action, "success")
        assert event["target"] == {"typeURI": "service/network/networks", "id": network}
        assert sites_of(event) == {site: str(answer.status_code)}
    gone = office.event_of(office.ask("GET", path, token))
    assert (gone["outcome"], gone["reason"]["reasonCode"]) == ("failure", "404")


def test_a_server_is_accepted_first_and_actions_have_names(office: Office, token: str) -> None:
    sent = {"OpenStack_API_Version": "compute 2.37", "X_Federation_Site": "tokyo"}
    flavors = office.ask("GET", "/compute/v2.1/flavors", token).json()["flavors"]
    flavor = next(each["id"] for each in flavors if each["name"] == "m1.nano")
    image = office.ask("GET", "/image/v2/images?name=cirros", token).json()["images"][0]["id"]
    user_data = "c2VjcmV0"
    new = {
        "server": {
            "name": "audited",
            "flavorRef": flavor,
            "imageRef": image,
            "networks": "none",
            "user_data": user_data,
            "adminPass": office.secret(),
        }
    }
    made = office.ask("POST", "/compute/v2.1/servers", token, new, **sent)
    assert made.status_code == 202, made.text
    server = made.json()["server"]["id"]
    event = office.event_of(made)
    assert (event["action"], event["outcome"]) == ("create", "pending")
    assert event["target"] == {"typeURI": "service/compute/servers", "id": server}
    assert user_data not in office.audit_file.read_text()

    path = f"/compute/v2.1/servers/{server}"

    def status() -> str:
        return str(office.ask("GET", path, token).json()["server"]["status"])

    until(lambda: status() == "ACTIVE", "the server runs")
    stopped = office.event_of(office.ask("POST", f"{path}/action", token, {"os-stop": None}))
    assert (stopped["action"], stopped["outcome"]) == ("update/os-stop", "pending")
    assert stopped["target"]["id"] == server
    odd = office.ask("POST", f"{path}/action", token, {token: None})
    assert token[:60] not in str(office.event_of(odd))
    assert office.ask("DELETE", path, token).status_code == 204


def test_an_image_that_streams_names_its_site(office: Office, token: str) -> None:
    new = {"name": "audited", "disk_format": "raw", "container_format": "bare"}
    image = office.ask("POST", "/image/v2/images", token, new).json()["id"]
    path = f"/image/v2/images/{image}"
    headers = {"X-Auth-Token": token, "Content-Type": "application/octet-stream"}
    url = f"{office.url}{path}/file"
    event = office.event_of(requests.put(url, headers=headers, data=b"x" * 100_000, timeout=60))
    assert (event["action"], sites_of(event)) == ("update", {"paris": "204"})
    assert event["target"] == {"typeURI": "service/storage/image/images/file", "id": image}
    event = office.event_of(requests.get(url, headers=headers, timeout=60))
    assert (event["action"], sites_of(event)) == ("read", {"paris": "200"})
    assert office.ask("DELETE", path, token).status_code == 204


def test_how_it_ended_for_a_client_that_hangs_up_is_unknown(office: Office, token: str) -> None:
    new = {"name": "dropped", "disk_format": "raw", "container_format": "bare"}
    image = office.ask("POST", "/image/v2/images", token, new).json()["id"]
    path = f"/image/v2/images/{image}/file"
    headers = {"X-Auth-Token": token, "Content-Type": "application/octet-stream"}
    data = b"x" * 30_000_000
    sent = requests.put(office.url + path, headers=headers, data=data, timeout=120)
    assert sent.status_code == 204, sent.text
    with requests.get(office.url + path, headers=headers, stream=True, timeout=60) as answer:
        assert answer.status_code == 200
    dropped = [office.event_of(answer)]

    before = {event["id"] for event in office.events()}
    host, _, port = office.gateway.address.rpartition(":")
    with socket.create_connection((host, int(port)), 30) as connection:
        lines = [f"PUT {path} HTTP/1.1", "Host: x", "Content-Length: 1000000"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        connection.sendall("\r\n".join([*lines, "", "x" * 1000]).encode())
    dropped += until(
        lambda: [event for event in office.events() if event["id"] not in before],
        "the upload that broke off is in the audit",
    )
    for event, action in zip(dropped, ("read", "update"), strict=True):
        assert (event["action"], event["outcome"]) == (action, "unknown")
        assert event["reason"]["reasonCode"] == "499"
        assert event["initiator"]["credential"]["token"] == hashed(token)
    deleted = office.ask("DELETE", f"/image/v2/images/{image}", token)
    assert deleted.status_code == 204


def test_logins(office: Office, clerk: Clerk) -> None:
    answer = login(office, password(clerk, clerk.password))
    issued = answer.headers["X-Subject-Token"]
    office.secrets.add(issued)
    event = office.event_of(answer)
    assert (event["action"], event["outcome"]) == ("authenticate", "success")
    assert event["target"]["id"] == clerk.user_id
    assert event["initiator"]["credential"] == {"type": "password"}
    assert event["tags"] == [f"issued_token?value={hashed(issued)}"]

    project = {"project": {"id": office.people.project_id}}
    answer = login(office, {"methods": ["token"], "token": {"id": issued}}, scope=project)
    office.secrets.add(answer.headers["X-Subject-Token"])
    event = office.event_of(answer)
    assert event["initiator"]["credential"] == {"type": "token", "token": hashed(issued)}
    assert event["initiator"]["project_id"] == office.people.project_id


def test_logins_that_fail(office: Office, clerk: Clerk) -> None:
    event = office.event_of(login(office, password(clerk, office.secret())))
    assert (event["action"], event["outcome"]) == ("authenticate", "failure")
    assert event["reason"]["reasonCode"] == "401"
    assert event["initiator"]["id"] == "unknown"
    assert event["initiator"]["name"] == clerk.name
    assert event["initiator"]["domain"] == office.people.domain

    forged = "gAAAAABm" + office.secret() * 4
    office.secrets.add(forged)
    event = office.event_of(login(office, {"methods": ["token"], "token": {"id": forged}}))
    assert event["outcome"] == "failure"
    assert event["initiator"]["credential"] == {"type": "token", "token": hashed(forged)}
    assert "name" not in event["initiator"]


def test_an_application_credential(office: Office, clerk: Clerk, token: str) -> None:
    new = {"application_credential": {"name": "audited", "secret": office.secret()}}
    path = f"/identity/v3/users/{clerk.user_id}/application_credentials"
    made = office.ask("POST", path, token, new)
    assert made.status_code == 201, made.text
    event = office.event_of(made)
    assert event["target"]["typeURI"] == "service/security/users/application_credentials"
    assert event["initiator"]["id"] == clerk.user_id
    credential = made.json()["application_credential"]

    method = "application_credential"
    said = {"id": credential["id"], "secret": credential["secret"]}
    answer = login(office, {"methods": [method], method: said})
    limited = answer.headers["X-Subject-Token"]
    office.secrets |= {limited, credential["secret"]}
    event = office.event_of(answer)
    assert event["initiator"]["name"] == clerk.name
    assert event["initiator"]["credential"]["application_credential_id"] == credential["id"]
    event = office.event_of(office.ask("GET", "/compute/v2.1/servers", limited))
    assert event["initiator"]["credential"]["application_credential_id"] == credential["id"]

    wrong = login(office, {"methods": [method], method: {**said, "secret": office.secret()}})
    event = office.event_of(wrong)
    assert event["outcome"] == "failure"
    assert event["initiator"]["credential"] == {
        "type": method,
        "application_credential_id": credential["id"],
    }


def test_the_last_request_of_a_token_says_whose_it_was(office: Office, clerk: Clerk) -> None:
    token = clerk.token()
    sent = {"X_Subject_Token": token}
    answer = office.ask("DELETE", "/identity/v3/auth/tokens", token, **sent)
    assert answer.status_code == 204
    event = office.event_of(answer)
    assert (event["action"], event["outcome"]) == ("revoke", "success")
    assert event["initiator"]["id"] == clerk.user_id
    refused = office.event_of(office.ask("GET", "/compute/v2.1/servers", token))
    assert (refused["outcome"], refused["reason"]["reasonCode"]) == ("failure", "401")
    assert refused["initiator"]["credential"]["token"] == hashed(token)


def test_a_refused_request(office: Office, clerk: Clerk, token: str) -> None:
    reader = office.hire("reader", "reader")
    new = {"network": {"name": "refused"}}
    event = office.event_of(office.ask("POST", "/network/v2.0/networks", reader.token(), new))
    assert (event["outcome"], event["reason"]["reasonCode"]) == ("failure", "403")
    assert event["initiator"]["name"] == reader.name
    nobody = office.event_of(office.ask("GET", "/volume/v3/volumes"))
    assert nobody["initiator"]["id"] == "unknown"
    assert nobody["reason"]["reasonCode"] == "401"
    event = office.event_of(office.ask("GET", "/identity/v3/users", token))
    assert event["reason"]["reasonCode"] == "403"
    assert event["initiator"]["id"] == clerk.user_id


@pytest.mark.parametrize(
    "path", ["/compute/", "/compute/v2.1/", "/identity/v3/", "/federation", "/healthcheck", "/x"]
)
def test_what_needs_no_login_and_what_is_no_service_is_no_event(
    office: Office, token: str, path: str
) -> None:
    quiet = office.ask("GET", path).headers.get("X-Openstack-Request-Id", "none")
    # A later event is there, so this one would be.
    office.event_of(office.ask("GET", "/federation/v1/whoami", token))
    assert quiet not in {event["id"] for event in office.events()}


def test_secrets_where_they_do_not_belong(office: Office, clerk: Clerk, token: str) -> None:
    """The fixture looks for them in all that was written, when all tests have run."""
    for path in ("/compute/v2.1/servers", "/identity/v3/auth/tokens", "/federation/v1/ids/x"):
        headers = {"User_Agent": f"curl {token}", "X_Subject_Token": token, "Cookie": token}
        assert office.event_of(office.ask("GET", f"{path}?token={token}", token, **headers))
    for path in ("/compute/v2.1/servers/", "/identity/v3/users/", "/federation/v1/ids/", "/x/"):
        answer = office.ask("GET", path + token, token)
        assert answer.status_code == 404 or "identity" in path
        assert path == "/x/" or office.event_of(answer)["outcome"] == "failure"
    said = password(clerk, clerk.password)
    for scope in ({"scope": 5}, {"scope": {"project": {"id": clerk.password}}}):
        assert office.event_of(login(office, said, **scope))
    answer = office.ask("POST", "/identity/v3/auth/tokens", token, [clerk.password, token])
    assert office.event_of(answer)["outcome"] == "failure"
    raw = requests.get(
        f"{office.url}/compute/v2.1/servers",
        headers={"X-Auth-Token": token, "User-Agent": b"\xff\xfe"},
        timeout=60,
    )
    assert office.event_of(raw)["outcome"] == "success"


def test_a_moved_file_is_begun_anew(office: Office, token: str) -> None:
    moved = office.audit_file.with_suffix(".1")
    office.audit_file.rename(moved)
    try:
        answer = office.ask("GET", "/federation/v1/whoami", token)
        assert office.event_of(answer)["outcome"] == "success"
        assert len(office.events()) == 1
    finally:
        moved.write_text(moved.read_text() + office.audit_file.read_text())
        moved.rename(office.audit_file)


@pytest.fixture
def full_disk(office: Office, tmp_path: Path) -> Iterator[GatewayProcess]:
    """A gateway that cannot write its audit."""
    gateway = GatewayProcess(
        office.lab, tmp_path, "unix:///nowhere/redis.sock", audit_file="/dev/full"
    )
    gateway.start(wait=False)
    yield gateway
    gateway.stop()
    assert not gateway.complaints()


def test_an_event_that_cannot_be_written_is_counted_and_loses_no_request(
    full_disk: GatewayProcess, clerk: Clerk, token: str
) -> None:
    def tokens() -> requests.Response | None:
        headers = {"X-Auth-Token": token, "X-Subject-Token": token}
        try:
            url = f"{full_disk.url}/identity/v3/auth/tokens"
            return requests.get(url, headers=headers, timeout=60)
        except requests.ConnectionError:
            return None

    answer = until(tokens, "the gateway has started")
    assert answer is not None
    assert answer.status_code == 200
    assert answer.json()["token"]["user"]["id"] == clerk.user_id
    page = requests.get(f"{full_disk.url}/metrics", timeout=30).text
    assert "federator_audit_lost_total 1.0" in page
    request_id = answer.headers["X-Openstack-Request-Id"]
    log = full_disk.log.read_text()
    (lost,) = [line for line in log.splitlines() if "audit event lost" in line]
    assert request_id in lost
    assert "No space left on device" in lost
