"""A client's request ID: what is one, and that a site gets it, or ours if there is none."""

import pytest
from multidict import CIMultiDict

from federator.headers import forwarded, global_request_id

MINE = "req-01234567-89ab-4cde-8f01-23456789abcd"


def test_a_request_id_is_taken() -> None:
    assert global_request_id(CIMultiDict({"x-openstack-request-id": MINE})) == MINE


@pytest.mark.parametrize(
    "given",
    ["", "anything", MINE.upper(), MINE + "-and-more", MINE[4:], MINE + "\n", " " + MINE],
)
def test_what_has_another_form_is_none(given: str) -> None:
    assert global_request_id(CIMultiDict({"X-Openstack-Request-Id": given})) == ""


def test_it_does_not_pass_with_the_other_headers() -> None:
    assert not forwarded(CIMultiDict({"X-Openstack-Request-Id": MINE}))
