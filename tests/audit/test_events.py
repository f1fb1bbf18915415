"""Events are valid CADF, say who and how it ended, and hold no secret."""

import json
from hashlib import sha256
from typing import Any

import orjson
import pytest
from pycadf import cadftaxonomy, timestamp
from pycadf import event as cadf

from federator.audit.attempt import Attempt, attempt_of
from federator.audit.event import Deed, event
from federator.audit.target import Target
from federator.secrets import harmless, hashed
from tests.session.people import make_identity

TOKEN = "gAAAAABm" + "x" * 180
OBSERVER = {"id": "https://cloud.example.org", "typeURI": "service/federation"}
SERVER = Target("service/compute/servers", "s1", "read")
LOGIN = Target(cadftaxonomy.ACCOUNT_USER, "", "authenticate", is_login=True)


def told(**changes: Any) -> dict[str, Any]:
    known: dict[str, Any] = {
        "time": "2026-11-21T04:04:25.043+00:00",
        "request_id": "req-1",
        "global_request_id": "",
        "path": "/compute/v2.1/servers/s1",
        "status": 200,
        "target": SERVER,
        "identity": make_identity(),
        "token": TOKEN,
        "address": "192.0.2.7",
        "agent": "openstacksdk",
    }
    said = event(Deed(**known | changes), OBSERVER)
    orjson.dumps(said)
    return said


@pytest.mark.filterwarnings("ignore:Invalid uuid")  # request IDs have a prefix
def test_an_event_is_one_to_pycadf() -> None:
    said = told()
    given = {key: said[key] for key in ("eventType", "id", "eventTime", "action", "outcome")}
    theirs = cadf.Event(
        **given, initiatorId=said["initiator"]["id"], targetId="s1", observerId=OBSERVER["id"]
    )
    assert theirs.is_valid()
    assert said["typeURI"] == theirs.typeURI
    assert timestamp.is_valid(said["eventTime"])
    for resource in (said["initiator"], said["target"], said["observer"]):
        assert cadftaxonomy.is_valid_resource(resource["typeURI"])


def test_who_did_it() -> None:
    said = told(global_request_id="req-2")
    assert said["id"] == "req-1"
    assert said["initiator"] == {
        "typeURI": "service/security/account/user",
        "id": "u1",
        "name": "alice",
        "domain_id": "d1",
        "domain": "acme",
        "project_id": "p1",
        "project_name": "alpha",
        "host": {"address": "192.0.2.7", "agent": "openstacksdk"},
        "credential": {"type": "token", "token": hashed(TOKEN)},
        "request_id": "req-1",
        "global_request_id": "req-2",
    }
    assert said["target"] == {"typeURI": "service/compute/servers", "id": "s1"}


def test_an_application_credential_is_named() -> None:
    said = told(identity=make_identity(application_credential_id="ac1"))
    assert said["initiator"]["credential"]["application_credential_id"] == "ac1"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, "success"),
        (204, "success"),
        (302, "success"),
        (202, "pending"),
        (401, "failure"),
        (404, "failure"),
        (503, "failure"),
        (504, "unknown"),
        (499, "unknown"),
    ],
)
def test_how_it_ended(status: int, outcome: str) -> None:
    said = told(status=status)
    assert said["outcome"] == outcome
    assert said["outcome"] in cadftaxonomy.OUTCOME_TAXONOMY
    assert said["reason"] == {"reasonType": "HTTP", "reasonCode": str(status)}


def test_actions_are_named() -> None:
    said = told(target=Target("service/compute/servers", "s1", "update"), action_name="os-start")
    assert said["action"] == "update/os-start"
    assert cadftaxonomy.is_valid_action(said["action"])


def test_the_sites_that_were_asked() -> None:
    said = told(answers=["paris:200:req-3", "tokyo:404:-"], missing=["denver"])
    (attached,) = said["attachments"]
    assert attached["content"] == [
        {"site": "paris", "status": "200", "request_id": "req-3"},
        {"site": "tokyo", "status": "404", "request_id": "-"},
        {"site": "denver", "status": "missing"},
    ]
    assert "attachments" not in told()


def test_who_is_refused_is_known_by_the_hash_of_his_token_alone() -> None:
    initiator = told(identity=None, status=401)["initiator"]
    assert initiator["id"] == "unknown"
    assert initiator["credential"] == {"type": "token", "token": hashed(TOKEN)}
    assert "name" not in initiator


def test_a_failed_login_says_who_tried() -> None:
    attempt = Attempt(("password",), user_name="alice", domain_name="acme")
    said = told(identity=None, token="", attempt=attempt, target=LOGIN, status=401)
    assert (said["action"], said["outcome"]) == ("authenticate", "failure")
    assert said["initiator"]["name"] == "alice"
    assert said["initiator"]["credential"] == {"type": "password"}
    assert said["target"]["id"] == "unknown"


def test_a_login_says_which_token_it_gave() -> None:
    attempt = Attempt(("token",), token=hashed("old"))
    said = told(attempt=attempt, target=LOGIN, status=201, issued_token=TOKEN)
    assert said["target"]["id"] == "u1"
    assert said["tags"] == [f"issued_token?value={hashed(TOKEN)}"]
    assert said["initiator"]["credential"] == {"type": "token", "token": hashed("old")}


SECRETS = {
    "password": {"user": {"name": "alice", "domain": {"name": "acme"}, "password": "S3CRET"}},
    "token": {"id": "S3CRET"},
    "totp": {"user": {"id": "u1", "passcode": "S3CRET"}},
    "application_credential": {"id": "ac1", "secret": "S3CRET", "user": {"name": "alice"}},
    "nonesuch": {"user": {"name": "x", "domain": "S3CRET"}, "key": "S3CRET"},
}


@pytest.mark.parametrize("method", SECRETS)
def test_nothing_but_names_is_taken_out_of_a_login(method: str) -> None:
    identity = {"methods": [method], method: SECRETS[method]}
    attempt = attempt_of(json.dumps({"auth": {"identity": identity}, "x": "S3CRET"}).encode())
    assert "S3CRET" not in str(attempt)
    assert attempt.methods == (method,)
    if method == "password":
        assert (attempt.user_name, attempt.domain_name) == ("alice", "acme")
    if method == "application_credential":
        assert (attempt.application_credential_id, attempt.user_name) == ("ac1", "alice")
    if method == "token":
        assert attempt.token == hashed("S3CRET")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        None,
        b"{",
        b"[]",
        b"5",
        b'{"auth": 5}',
        b'{"auth": {"identity": []}}',
        b'{"auth": {"identity": {"methods": {"a": 1}, "password": "x", "token": {"id": 5}}}}',
        b'{"auth": {"identity": {"methods": [5], "password": {"user": {"name": ["S3CRET"]}}}}}',
    ],
)
def test_an_odd_body_says_nothing(body: bytes | None) -> None:
    assert attempt_of(body) == Attempt()


@pytest.mark.parametrize(
    "changes",
    [
        {"path": f"/compute/v2.1/servers/{TOKEN}"},
        {"agent": f"curl {TOKEN}"},
        {"action_name": TOKEN},
        {"target": Target("service/compute/servers", TOKEN, "read")},
        {"target_id": TOKEN},
        {"issued_token": TOKEN},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_token_where_it_does_not_belong_is_not_told(changes: dict[str, Any]) -> None:
    assert TOKEN[10:60] not in json.dumps(told(**changes))


def test_texts_of_clients_are_cut_and_made_text() -> None:
    assert harmless("x" * 10_000) == "x" * 500
    assert harmless("a\udc80b") == "a?b"
    jwt = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2ln"
    assert jwt not in harmless(f"Bearer {jwt}")


def test_what_is_no_text_keeps_no_event_from_being_told() -> None:
    said = told(identity=None, status=401, token="\udcff", answers=["paris:200:\udcff" + TOKEN])
    assert said["initiator"]["credential"]["token"] == "{SHA256}" + sha256(b"\xff").hexdigest()
    (attached,) = said["attachments"]
    assert attached["content"] == [{"site": "paris", "status": "200", "request_id": "?***"}]
