"""Which requests are passed through without being held."""

import pytest

from adapters.registry import all_services
from federator.call import Call
from federator.stream import streams

IMAGE, COMPUTE = (all_services()[name] for name in ("image", "compute"))


@pytest.mark.parametrize("method", ["PUT", "GET", "HEAD"])
@pytest.mark.parametrize("tail", ["file", "stage"])
def test_the_data_of_an_image_is(method: str, tail: str) -> None:
    assert streams(Call(method, IMAGE, None, f"/images/x/{tail}"))


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_what_is_neither_up_nor_down_is_not(method: str) -> None:
    assert not streams(Call(method, IMAGE, None, "/images/x/file"))


def test_nothing_else_is() -> None:
    assert not streams(Call("PUT", IMAGE, None, "/images/x"))
    assert not streams(Call("PUT", COMPUTE, None, "/images/x/file"))
