"""What only those can read who have the gateway's secret."""

from adapters.seal import Seal

SECRET = b"s" * 32
SEAL = Seal(SECRET, "a purpose")


def test_what_was_sealed_comes_back_and_shows_nothing() -> None:
    sealed = SEAL.closed("name", b"hidden")
    assert b"hidden" not in sealed
    assert SEAL.closed("name", b"hidden") != sealed
    assert Seal(SECRET, "a purpose").opened("name", sealed) == b"hidden"


def test_another_name_purpose_or_secret_opens_nothing() -> None:
    sealed = SEAL.closed("name", b"hidden")
    assert SEAL.opened("another name", sealed) is None
    assert Seal(SECRET, "another purpose").opened("name", sealed) is None
    assert Seal(b"t" * 32, "a purpose").opened("name", sealed) is None


def test_what_was_never_sealed_opens_to_nothing() -> None:
    for raw in (b"", b"short", b'{"status": 202}'):
        assert SEAL.opened("name", raw) is None
