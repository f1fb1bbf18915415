"""Where a new object is made, and which contradictions are the caller's."""

import pytest

from federator.faults import BadRequest
from federator.placement import Wish, place

SITES = ("paris", "tokyo", "denver")


@pytest.mark.parametrize(
    ("wish", "site"),
    [
        (Wish({}), "paris"),
        (Wish({"image": {"paris", "tokyo"}}), "paris"),
        (Wish({"network": {"tokyo"}}), "tokyo"),
        (Wish({"image": {"paris", "tokyo"}, "network": {"tokyo"}}), "tokyo"),
        (Wish({"image": {"tokyo", "denver"}}), "tokyo"),
        (Wish({}, zone_sites={"tokyo"}, zone="tokyo"), "tokyo"),
        (Wish({"image": {"paris", "tokyo"}}, zone_sites={"tokyo"}, zone="tokyo"), "tokyo"),
        (Wish({}, header_site="denver"), "denver"),
        (Wish({"network": {"tokyo"}}, header_site="tokyo"), "tokyo"),
    ],
)
def test_the_site_is_found_by_what_is_referred_to_then_zone_then_header_then_default(wish, site):
    assert place(wish, SITES, "paris") == site


def test_the_default_site_need_not_be_the_first():
    assert place(Wish({}), SITES, "denver") == "denver"
    assert place(Wish({"image": {"paris", "tokyo"}}), SITES, "denver") == "paris"


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (Wish({"n1": {"paris"}, "n2": {"tokyo"}}), "n1 is at paris; n2 is at tokyo"),
        (Wish({"n1": {"paris"}}, zone_sites={"tokyo"}, zone="tokyo"), "not available at paris"),
        (
            Wish({}, zone_sites={"tokyo"}, zone="tokyo", header_site="paris"),
            "only be served at tokyo",
        ),
        (Wish({"n1": {"tokyo"}}, header_site="paris"), "only be served at tokyo"),
        (Wish({}, header_site="atlantis"), "there is no site 'atlantis'"),
    ],
)
def test_wishes_that_contradict_each_other_are_refused_by_name(wish, said):
    with pytest.raises(BadRequest, match=said):
        place(wish, SITES, "paris")


@pytest.mark.parametrize(
    ("wish", "away", "site"),
    [
        (Wish({}), {"paris"}, "tokyo"),
        (Wish({}), {"tokyo"}, "paris"),
        (Wish({}), {"paris", "tokyo"}, "paris"),
        (Wish({"image": {"paris", "tokyo"}}), {"paris"}, "tokyo"),
        (Wish({"network": {"paris"}}), {"paris"}, "paris"),
        (Wish({}, frozenset({"paris"}), "paris"), {"paris"}, "paris"),
        (Wish({}, header_site="paris"), {"paris"}, "paris"),
    ],
)
def test_a_site_that_is_away_is_passed_over_where_there_is_a_choice(
    wish: Wish, away: set[str], site: str
) -> None:
    assert place(wish, ("paris", "tokyo"), "paris", away) == site
