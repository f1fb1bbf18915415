"""What a site can do beside what the federation offers."""

from adapters.profile import Profile
from adapters.quirk import Quirk
from federator.api.matrix import abilities

QUIRKS = (
    Quirk(service="compute", what="a.", since=(2, 5)),
    Quirk(service="compute", what="b.", extension={"alias": "lifted"}),
)


def test_a_site_that_lowers_the_federation_is_named() -> None:
    profiles = {
        "paris": Profile((2, 9), frozenset({"all", "lifted", "both", "mine"})),
        "tokyo": Profile((2, 4), frozenset({"all"})),
        "denver": Profile((2, 9), frozenset({"all", "lifted", "both"})),
    }
    assert abilities("tokyo", profiles, QUIRKS) == {
        "microversions": {
            "own": "2.4",
            "lifted_to": "2.5",
            "federation": "2.5",
            "lowers_federation": True,
        },
        "extensions": {
            "own": ["all"],
            "lifted": ["lifted"],
            "not_offered": [],
            "keeps_from_federation": ["both"],
        },
        "quirks": [
            {"microversion": "2.5", "extension": None, "what": "a."},
            {"microversion": None, "extension": "lifted", "what": "b."},
        ],
    }
    paris = abilities("paris", profiles, QUIRKS)
    assert paris["microversions"] == {
        "own": "2.9",
        "lifted_to": "2.9",
        "federation": "2.5",
        "lowers_federation": False,
    }
    assert paris["extensions"] == {
        "own": ["all", "both", "lifted", "mine"],
        "lifted": [],
        "not_offered": ["both", "mine"],
        "keeps_from_federation": [],
    }
    assert paris["quirks"] == []


def test_what_is_not_known_is_null() -> None:
    profiles = {"paris": Profile((2, 9), frozenset({"a"})), "tokyo": Profile()}
    told = abilities("tokyo", profiles, QUIRKS)
    assert (told["microversions"], told["extensions"], told["quirks"]) == (None, None, [])
    alone = abilities("paris", {"paris": profiles["paris"]}, QUIRKS)
    assert alone["microversions"]["lowers_federation"] is False
    assert alone["extensions"]["keeps_from_federation"] == []
