"""The arithmetic of IDs: what holds for every ID there is."""

from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idmap.buckets import address, pack, unpack
from idmap.ids import (
    canonical,
    global_number,
    global_uuid,
    is_uuid,
    site_namespace,
    site_number,
    split_number,
)
from idmap.sites import SiteKey, check_sites

numbers = st.integers(1, 999)


def spellings(uuid: UUID) -> list[str]:
    return [str(uuid), uuid.hex, str(uuid).upper(), uuid.hex.upper()]


@given(st.uuids(), st.uuids())
def test_every_spelling_of_a_uuid_has_the_global_id_of_the_canonical_one(
    namespace: UUID, local: UUID
) -> None:
    expected = str(uuid5(namespace, str(local)))

    assert {global_uuid(namespace, spelt) for spelt in spellings(local)} == {expected}


@given(st.uuids(), st.text())
def test_other_ids_are_hashed_as_they_stand(namespace: UUID, local: str) -> None:
    assert is_uuid(local) or global_uuid(namespace, local) == str(uuid5(namespace, local))


@given(st.uuids())
def test_a_uuid_is_one_in_every_spelling(uuid: UUID) -> None:
    assert all(is_uuid(spelt) for spelt in spellings(uuid))
    assert {canonical(spelt) for spelt in spellings(uuid)} == {str(uuid)}


@pytest.mark.parametrize(
    "value",
    [
        "",
        "1",
        None,
        7,
        "é" * 32,
        "0" * 31,
        "0" * 33,
        "0" * 36,
        "-" * 36,
        "\u0660" * 32,
        "{00000000-0000-0000-0000-000000000000}",
        "00000000-0000-0000-0000-000000000000\n",
        "00000000-0000-00000000-000000000000-",
        "00000000-00000000-0000-000000000000-0",
    ],
)
def test_what_is_no_uuid(value: object) -> None:
    assert not is_uuid(value)


@given(st.text(alphabet="0123456789abcdefABCDEF-", min_size=30, max_size=38))
def test_what_looks_like_a_uuid_is_what_the_standard_library_takes_for_one(value: str) -> None:
    if is_uuid(value):
        assert canonical(value) == str(UUID(value))


@given(numbers, st.integers(0, 10**12))
def test_numbers_can_be_taken_apart(number: int, local: int) -> None:
    assert split_number(global_number(number, local)) == (number, local)


@given(st.text().filter(lambda name: not name.startswith("#")))
def test_every_name_of_a_site_gives_a_number_that_is_allowed(name: str) -> None:
    namespace = site_namespace(name)

    assert SiteKey.of(name) == SiteKey(name, namespace, site_number(namespace))


@given(numbers, st.one_of(st.text(), st.uuids().flatmap(lambda u: st.sampled_from(spellings(u)))))
def test_a_place_comes_back_as_it_was_spelt(number: int, local: str) -> None:
    assert unpack(pack(number, local)) == (number, local)


@given(st.uuids(), numbers)
def test_a_usual_place_takes_18_bytes(uuid: UUID, number: int) -> None:
    assert {len(pack(number, str(uuid))), len(pack(number, uuid.hex))} == {18}
    assert address(str(uuid).upper()) == address(uuid.hex) == uuid.bytes


@pytest.mark.parametrize("number", [0, 1000, -1])
def test_a_number_out_of_range_names_the_cure(number: int) -> None:
    with pytest.raises(ValueError, match="`number:`"):
        SiteKey.of("paris", number=number)


@pytest.mark.parametrize(
    ("other", "cure"),
    [
        (SiteKey.of("paris", number=8), "`name:`"),
        (SiteKey.of("tokyo", number=7), "`number:`"),
        (SiteKey.of("tokyo", namespace=site_namespace("paris"), number=8), "`namespace:`"),
    ],
)
def test_sites_that_would_be_confused_are_refused(other: SiteKey, cure: str) -> None:
    with pytest.raises(ValueError, match=f"paris.*{cure}.*clouds.yaml"):
        check_sites([SiteKey.of("paris", number=7), other])


def test_a_name_that_looks_like_a_number_of_the_map_is_refused() -> None:
    with pytest.raises(ValueError, match="must not begin with #"):
        SiteKey.of("#7")
