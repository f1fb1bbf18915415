"""Our errors look like those of the real services; the expected ones were copied from them."""

import json

import pytest

from adapters import errors
from federator.faults import (
    BadRequest,
    Fault,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    fault_of,
)

UUID = "00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize(
    ("shape", "fault", "expected"),
    [
        (
            "nova",
            NotFound(f"Instance {UUID} could not be found."),
            {"itemNotFound": {"code": 404, "message": f"Instance {UUID} could not be found."}},
        ),
        (
            "nova",
            BadRequest("Malformed request body"),
            {"badRequest": {"code": 400, "message": "Malformed request body"}},
        ),
        ("nova", NotAcceptable("x"), {"computeFault": {"code": 406, "message": "x"}}),
        (
            "nova",
            TooManyRequests("x", retry_after=7),
            {"overLimit": {"code": 429, "message": "x", "retryAfter": "7"}},
        ),
        (
            "neutron",
            NotFound("The resource could not be found."),
            {
                "NeutronError": {
                    "type": "HTTPNotFound",
                    "message": "The resource could not be found.",
                    "detail": "",
                }
            },
        ),
        (
            "neutron",
            NotFound("Network x could not be found.", title="NetworkNotFound"),
            {
                "NeutronError": {
                    "type": "NetworkNotFound",
                    "message": "Network x could not be found.",
                    "detail": "",
                }
            },
        ),
        (
            "neutron",
            MethodNotAllowed("x"),
            {"NeutronError": {"type": "HTTPMethodNotAllowed", "message": "x", "detail": ""}},
        ),
        (
            "keystone",
            NotFound("Could not find service: none."),
            {
                "error": {
                    "code": 404,
                    "message": "Could not find service: none.",
                    "title": "Not Found",
                }
            },
        ),
    ],
)
def test_the_body_is_the_services_own(
    shape: str, fault: Fault, expected: dict[str, object]
) -> None:
    response = fault.response(shape, request_id="req-1")
    assert json.loads(response.text or "") == expected
    assert response.status == fault.status
    assert response.content_type == "application/json"
    assert response.headers["X-Openstack-Request-Id"] == "req-1"


def test_placement_names_request_and_range() -> None:
    fault = NotAcceptable(
        "Invalid microversion: m", details={"max_version": "1.39", "min_version": "1.0"}
    )
    (error,) = json.loads(fault.response("errors", request_id="req-1").text or "")["errors"]
    assert error == {
        "status": 406,
        "title": "Not Acceptable",
        "detail": "Invalid microversion: m",
        "request_id": "req-1",
        "max_version": "1.39",
        "min_version": "1.0",
    }


@pytest.mark.parametrize("accept", ["", "*/*", "text/html, application/json"])
def test_glance_answers_html_unless_only_json_is_wanted(accept: str) -> None:
    response = NotFound("No image <b>").response("glance", accept=accept)
    assert response.content_type == "text/html"
    assert "<h1>404 Not Found</h1>\n  No image &lt;b&gt;<br />" in (response.text or "")


def test_glance_answers_json_to_who_wants_it() -> None:
    response = NotFound("No image found").response("glance", accept="application/json")
    assert json.loads(response.text or "") == {
        "message": "No image found",
        "code": "404 Not Found",
        "title": "Not Found",
    }


@pytest.mark.parametrize("shape", ["nova", "neutron", "errors", "keystone", "error"])
def test_401_is_keystones_everywhere_and_names_our_login(shape: str) -> None:
    response = Unauthorized().response(shape, login_url="http://us/identity")
    assert json.loads(response.text or "") == {
        "error": {
            "code": 401,
            "title": "Unauthorized",
            "message": "The request you have made requires authentication.",
        }
    }
    assert response.headers["WWW-Authenticate"] == 'Keystone uri="http://us/identity"'


def test_503_says_when_to_try_again() -> None:
    assert Unavailable("x").response("nova").headers["Retry-After"] == "5"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.HomeUnreachable("x"), 503),
        (errors.InvalidToken("x"), 401),
        (errors.NotScoped("x"), 403),
        (errors.SiteUnreachable("tokyo", "http://10.0.0.1 refused"), 503),
        (errors.ExchangeRefused("tokyo", "x"), 403),
        (errors.ProjectNotThere("tokyo", "x"), 403),
        (errors.NameNotCarried("tokyo", "x"), 400),
        (errors.TokenMixUp("tokyo", "x"), 502),
        (errors.SettingsError("x"), 500),
    ],
)
def test_what_goes_wrong_on_the_way_has_a_status(
    error: errors.FederationError, status: int
) -> None:
    fault = fault_of(error)
    assert fault.status == status
    assert "10.0.0.1" not in fault.message
