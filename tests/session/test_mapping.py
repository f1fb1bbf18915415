"""What can be carried to a site, and that this is what the mapping there does."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.errors import ExchangeRefused, NameNotCarried, NotScoped
from adapters.mapping import ROLES, carried_roles, closure, group_name, home_user, user_name
from adapters.sites import Federation, Site
from tests.session.people import make_identity

SITE = Site("tokyo", "http://k/v3", "password", {})
ADMIN_SITE = replace(SITE, federation=Federation(admin=True))
MAPPING = json.loads((Path(__file__).parents[2] / "deploy/k2k/mapping.json").read_text())
ALL = frozenset(ROLES)


def test_the_mapping_at_the_sites_says_the_same() -> None:
    identity = make_identity()
    user, user_domain, project, domain = (
        identity.user_name,
        identity.user_domain_name,
        identity.project_name,
        identity.project_domain_name,
    )
    rules: list[Any] = MAPPING["rules"]
    assert [rule["remote"][-1]["any_one_of"] for rule in rules] == [[role] for role in ROLES]
    for rule, role in zip(rules, ROLES, strict=True):
        local = rule["local"][0]
        words = (user, user_domain, project, domain)
        assert local["user"]["name"].format(*words) == user_name(identity)
        assert local["group"]["name"].format(*words) == group_name(identity, role)
        assert local["group"]["domain"] == {"name": Federation().group_domain}


def test_admin_at_home_is_admin_only_where_the_site_says_so() -> None:
    identity = make_identity(roles=ALL)
    assert carried_roles(identity, SITE) == ("manager", "member", "reader")
    assert carried_roles(identity, ADMIN_SITE) == ROLES


def test_a_login_without_a_role_that_sites_know_is_refused_before_any_call() -> None:
    with pytest.raises(ExchangeRefused, match="auditor") as caught:
        carried_roles(make_identity(roles=frozenset({"auditor"})), SITE)
    assert caught.value.status == 403
    with pytest.raises(ExchangeRefused):
        carried_roles(make_identity(roles=frozenset({"admin"})), SITE)


def test_only_tokens_of_a_project_are_carried() -> None:
    with pytest.raises(NotScoped):
        carried_roles(make_identity(project_id=None, project_name=None), SITE)


@pytest.mark.parametrize(
    "name", ["a/b", "a;b", "a b", "a@b", "ålice", "日本", "", "x" * 65, "a\nb", "a:b", "alice\n"]
)
@pytest.mark.parametrize(
    "field", ["user_name", "user_domain_name", "project_name", "project_domain_name"]
)
def test_a_name_that_cannot_be_carried_is_named(field: str, name: str) -> None:
    with pytest.raises(NameNotCarried) as caught:
        carried_roles(make_identity(**{field: name}), SITE)
    assert repr(name) in str(caught.value)
    assert "A-Z a-z 0-9 . _ -" in str(caught.value)


def test_project_and_domain_have_to_fit_into_the_name_of_a_group() -> None:
    room = 64 - len("fed:acme::member")
    assert carried_roles(make_identity(project_name="p" * room), SITE)
    with pytest.raises(NameNotCarried, match="1 characters too long"):
        carried_roles(make_identity(project_name="p" * (room + 1)), SITE)
    # "reader" is as long as "member", "manager" one longer.
    with pytest.raises(NameNotCarried):
        carried_roles(make_identity(project_name="p" * room, roles=ALL), SITE)


def test_the_home_user_can_be_read_from_the_name_at_a_site() -> None:
    assert home_user(user_name(make_identity())) == ("alice", "acme")
    assert home_user("nova") is None
    assert home_user("a@b@c") is None


def test_roles_imply_roles_at_any_distance() -> None:
    implied = {"member": ["reader", "swift"], "swift": ["quota"], "quota": ["member"]}
    assert closure(["member"], implied) == {"member", "reader", "swift", "quota"}
