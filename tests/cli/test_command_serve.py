"""``federator serve``: how it starts when not all is there, how it ends, and two of it on one port."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.adversarial.gateways import GatewayProcess, RedisServer
from tests.cli.command import clouds_without, federator, settings_file, started
from tests.cli.conftest import Desk
from tests.e2e.api import Api
from tests.e2e.running import free_port
from tests.e2e.waiting import until


def first_health(url: str) -> tuple[int, dict[str, str]]:
    """Status and body of /healthcheck, as soon as there is an answer."""

    def look() -> tuple[int, dict[str, str]] | None:
        try:
            answer = requests.get(f"{url}/healthcheck", timeout=30)
        except requests.ConnectionError:
            return None
        return answer.status_code, answer.json()

    found = until(look, "the gateway has started")
    assert found is not None
    return found


@pytest.fixture
def extra(desk: Desk) -> Iterator[list[GatewayProcess]]:
    """Gateways that a test starts beside the one that runs: they end with it, and log no token."""
    gateways: list[GatewayProcess] = []
    yield gateways
    for gateway in gateways:
        gateway.stop()
        assert not gateway.complaints()


def test_redis_comes_later(desk: Desk, extra: list[GatewayProcess], tmp_path: Path) -> None:
    redis = RedisServer(tmp_path)
    gateway = GatewayProcess(desk.lab, tmp_path, redis.url)
    extra.append(gateway)
    gateway.start(wait=False)
    status, health = first_health(gateway.url)
    assert (status, health["status"]) == (503, "DOWN")

    member = desk.login(gateway)
    assert member.project_id == desk.people.project_id
    refused = member.call("GET", "compute", "/servers")
    assert refused.status_code == 503
    assert refused.headers["Retry-After"]
    assert refused.json()["serviceUnavailable"]["code"] == 503

    redis.start()
    try:
        gateway.wait_until_ready()
        assert member.get("compute", "/servers") == {"servers": []}
        member.close()
        gateway.stop()
    finally:
        redis.kill()


def test_a_site_that_is_down_at_the_start(
    desk: Desk, extra: list[GatewayProcess], tmp_path: Path
) -> None:
    redis = RedisServer(tmp_path)
    redis.start()
    clouds = clouds_without(desk.lab, tmp_path / "clouds.yaml", "tokyo", free_port())
    gateway = GatewayProcess(clouds, tmp_path, redis.url)
    extra.append(gateway)
    gateway.start(wait=False)
    try:
        assert first_health(gateway.url)[0] == 200
        until(
            lambda: requests.get(f"{gateway.url}/compute/", timeout=30).ok,
            "the other site has told its versions",
        )
        until(lambda: b"is partial" in gateway.log.read_bytes(), "the other site has been read")
        member = desk.login(gateway)
        listed = member.call("GET", "network", "/v2.0/networks")
        assert listed.status_code == 200
        assert listed.headers["X-Federation-Missing-Sites"] == "tokyo"
        assert [each["name"] for each in listed.json()["networks"]] == ["public"]

        unknown = member.call(
            "GET", "network", "/v2.0/networks/11111111-2222-4333-8444-555555555555"
        )
        assert unknown.status_code == 503, "it may be at the site that is down"
        there = member.call("GET", "network", "/v2.0/networks", site="tokyo")
        assert there.status_code == 503
        assert "tokyo" in there.json()["NeutronError"]["message"]
        made = member.do("POST", "network", "/v2.0/networks", {"network": {"name": "lonely"}})
        assert member.call("DELETE", "network", f"/v2.0/networks/{made['network']['id']}").ok
        member.close()
        gateway.stop()
    finally:
        redis.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda each: each.name)
def test_it_ends_when_told_to(desk: Desk, tmp_path: Path, number: signal.Signals) -> None:
    address = f"127.0.0.1:{free_port()}"
    settings = {"clouds": str(desk.lab), "sites": ["paris", "tokyo"], "redis": desk.redis.url}
    config = settings_file(tmp_path / "federator.yaml", {**settings, "listen": address})
    with started("serve", "--config", config) as process, requests.Session() as connected:
        # A client keeps its connection; that must hold nobody up.
        first_health(f"http://{address}")
        connected.get(f"http://{address}/healthcheck", timeout=30)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert out == ""
    assert "Traceback" not in err
    assert f"federator: http://{address}/identity serves paris, tokyo" in err.splitlines()


def test_it_ends_when_told_to_while_redis_is_down(desk: Desk, tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    settings = {"clouds": str(desk.lab), "sites": ["paris"], "redis": f"unix://{tmp_path}/none"}
    config = settings_file(tmp_path / "federator.yaml", {**settings, "listen": address})
    with started("serve", "--config", config) as process:
        first_health(f"http://{address}")
        process.terminate()
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "Traceback" not in err


def test_two_on_one_port_know_the_same(
    desk: Desk, extra: list[GatewayProcess], member: Api
) -> None:
    first = GatewayProcess(desk.lab, desk.folder, desk.redis.url)
    second = GatewayProcess(
        desk.lab, desk.folder, desk.redis.url, listen=first.address, public_url=first.url
    )
    for each in (first, second):
        extra.append(each)
        each.start(wait=False)
    until(lambda: all(b" serves " in each.log.read_bytes() for each in extra), "both listen")
    first.wait_until_ready()
    token = member.token
    made = []
    for site in ("paris", "tokyo"):
        body = {"network": {"name": f"seen-at-{site}"}}
        made.append(
            requests.post(
                f"{first.url}/network/v2.0/networks",
                json=body,
                headers={"X-Auth-Token": token, "X-Federation-Site": site},
                timeout=60,
            ).json()["network"]["id"]
        )
        # Each of these comes by a connection of its own, to one process or the other.
        for _ in range(10):
            shown = requests.get(
                f"{first.url}/network/v2.0/networks/{made[-1]}",
                headers={"X-Auth-Token": token},
                timeout=60,
            )
            assert shown.status_code == 200, shown.text
            assert shown.json()["network"]["id"] == made[-1]
    for each in made:
        assert member.call("DELETE", "network", f"/v2.0/networks/{each}").status_code == 204
    for process in (first, second):
        assert re.search(rb"path='/network/v2.0/networks/", process.log.read_bytes())


def test_healthcheck(desk: Desk) -> None:
    answer = requests.get(f"{desk.gateway.url}/healthcheck", timeout=30)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.json() == {"status": "OK", "id map": "complete"}


def test_metrics_count_requests_and_sites(desk: Desk, member: Api) -> None:
    before = metrics(desk)
    assert member.get("compute", "/servers") == {"servers": []}
    requests.get(f"{desk.gateway.url}/some-name-of-a-client/v1", timeout=30)
    requests.get(f"{desk.gateway.url}/healthcheck", timeout=30)
    after = metrics(desk)

    def more(sample: str) -> float:
        return after.get(sample, 0) - before.get(sample, 0)

    assert more('federator_requests_total{method="GET",service="compute",status="200"}') == 1
    assert more('federator_requests_total{method="GET",service="other",status="404"}') == 1
    assert more('federator_request_seconds_count{service="compute"}') == 1
    assert more('federator_site_replies_total{site="paris",status="200"}') >= 1
    assert more('federator_site_replies_total{site="tokyo",status="200"}') >= 1
    assert after['federator_rebuilds_total{outcome="complete"}'] >= 1
    assert not [sample for sample in after if "some-name" in sample or "healthcheck" in sample]


def metrics(desk: Desk) -> dict[str, float]:
    """Sample -> value."""
    answer = requests.get(f"{desk.gateway.url}/metrics", timeout=30)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    lines = (line for line in answer.text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_the_log_names_requests_and_never_holds_a_secret(desk: Desk, member: Api) -> None:
    url, token, password = desk.gateway.url, member.token, desk.people.auth["password"]
    mine = "req-0a0a0a0a-1b1b-4c2c-8d3d-4e4e4e4e4e4e"
    requests.get(
        f"{url}/compute/v2.1/servers?x=1",
        headers={"X-Auth-Token": token, "X-Openstack-Request-Id": mine},
        timeout=60,
    )
    credential = {"application_credential": {"name": "logged"}}
    secret = member.do(
        "POST", "identity", f"/users/{member.user_id}/application_credentials", credential
    )["application_credential"]["secret"]
    for headers in (
        {"X-Auth-Token": token, "X-Subject-Token": token},
        {"X-Auth-Token": token + "x"},
        {"X-Auth-Token": token, "X-Much": "x" * 50_000},
        {"X-Auth-Token": token * 2000},
        {"X-Auth-Token": token, "X-Federation-Site": "nowhere"},
    ):
        for path in ("/identity/v3/auth/tokens", "/compute/v2.1/servers", "/nothing"):
            requests.get(url + path, headers=headers, timeout=60)
    bad = {"auth": {"identity": {"methods": ["token"], "token": {"id": token}}, "scope": 5}}
    requests.post(f"{url}/identity/v3/auth/tokens", json=bad, timeout=60)
    member.call("GET", "compute", "/servers/11111111-2222-4333-8444-555555555555")

    log = desk.gateway.log.read_text()
    line = next(each for each in log.splitlines() if f"global_request_id='{mine}'" in each)
    assert f"who='{desk.people.user_id} {desk.people.project_id}'" in line
    assert "method='GET' path='/compute/v2.1/servers' status=200" in line
    # In the order in which they answered, each with its own request ID.
    assert sorted(re.findall(r"(\w+:200):req-[0-9a-f-]{36}", line)) == ["paris:200", "tokyo:200"]
    for hidden in (token, token[10:60], secret):
        assert hidden not in log
    assert password not in log.replace(desk.people.user, ""), "the password is the user's name here"
    assert not desk.gateway.complaints()


def test_an_address_that_is_not_ours(desk: Desk, tmp_path: Path) -> None:
    settings = {"clouds": str(desk.lab), "sites": ["paris"], "redis": desk.redis.url}
    config = settings_file(tmp_path / "federator.yaml", {**settings, "listen": "192.0.2.1:80"})
    said = federator("serve", "--config", config)
    assert said.code != 0
    (complaint,) = (line for line in said.err.splitlines() if line.startswith("federator: "))
    assert "192.0.2.1" in complaint
