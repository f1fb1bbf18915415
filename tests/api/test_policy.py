"""Rights on our own API: who has them by default, and what a policy.yaml may change."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from adapters.errors import SettingsError
from federator.api import rules
from federator.api.policy import Policy
from federator.faults import Forbidden
from tests.session.people import make_identity

ROOT = Path(__file__).parents[2]
EVERYBODY = {rules.LIST_SITES, rules.GET_SITE, rules.GET_ID, rules.GET_REPLICAS}
ADMINS = {
    rules.LIST_REPLICAS,
    rules.GET_SITE_INTERNALS,
    rules.PAUSE_SITE,
    rules.RESUME_SITE,
    rules.GET_LOCAL_IDS,
}


def allowed(policy: Policy, *roles: str, **changes: Any) -> set[str]:
    identity = make_identity(roles=frozenset(roles), **changes)
    named = {rule.name for rule in rules.RULES if rule.name.startswith("federation:")}
    return {rule for rule in named if policy.allows(rule, identity)}


def policy_file(folder: Path, text: str) -> Path:
    path = folder / "policy.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("roles", [["reader"], ["member", "reader"], ["member"]], ids=str)
def test_who_has_a_role_on_a_project_may_look(roles: list[str]) -> None:
    assert allowed(Policy(), *roles) == EVERYBODY | {rules.GET_WHOAMI}


def test_an_admin_sees_what_is_nobodys_project() -> None:
    assert allowed(Policy(), "admin") == EVERYBODY | ADMINS | {rules.GET_WHOAMI}


@pytest.mark.parametrize("roles", [[], ["auditor"], ["administrator"]], ids=str)
def test_other_roles_are_none(roles: list[str]) -> None:
    assert allowed(Policy(), *roles) == {rules.GET_WHOAMI}


@pytest.mark.parametrize(
    "scope",
    [{"domain": {"id": "d1", "name": "acme"}}, {"system": {"all": True}}, {}],
    ids=["domain", "system", "unscoped"],
)
def test_only_logins_for_a_project_count(scope: dict[str, Any]) -> None:
    without = {"project_id": None, "project_domain_id": None, "body": {"token": scope}}
    expected = {rules.GET_WHOAMI}
    assert allowed(Policy(), "reader", "member", **without) == expected
    if scope:
        # The admin of one domain is not the admin of all sites.
        assert allowed(Policy(), "admin", **without) == expected


def test_what_is_anothers_is_not_seen_by_a_role_on_ones_own() -> None:
    mine = make_identity(roles=frozenset({"member", "reader"}))
    admin = make_identity(roles=frozenset({"admin"}))
    assert mine.project_id is not None
    assert Policy().allows(rules.GET_REPLICAS, mine, mine.project_id)
    assert not Policy().allows(rules.GET_REPLICAS, mine, "another")
    assert Policy().allows(rules.GET_REPLICAS, admin, "another")


def test_a_right_that_is_not_there_is_named() -> None:
    with pytest.raises(Forbidden, match="federation:get_local_ids"):
        Policy().require(rules.GET_LOCAL_IDS, make_identity())


def test_a_file_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    path = policy_file(tmp_path, '"federation:get_local_ids": "role:auditor"\n')
    assert allowed(Policy(path), "auditor") == {rules.GET_LOCAL_IDS, rules.GET_WHOAMI}
    assert allowed(Policy(path), "reader") == EVERYBODY | {rules.GET_WHOAMI}
    assert rules.GET_LOCAL_IDS not in allowed(Policy(path), "admin")


def test_a_file_may_have_rules_of_its_own(tmp_path: Path) -> None:
    path = policy_file(
        tmp_path, '"auditor": "role:auditor"\n"federation:list_sites": "rule:auditor or !"\n'
    )
    assert rules.LIST_SITES in allowed(Policy(path), "auditor")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: [", "not YAML"),
        ("- a\n", "is not a mapping"),
        ('"federation:list_sites": 5\n', "federation:list_sites: is not a text"),
        (
            '"federation:list_site": "role:x"\n',
            "there is no such rule; known are federation:get_id",
        ),
        ('"federation:list_sites": "role:x or"\n', "not in the language of policies"),
        ('"federation:list_sites": "role:x or reader"\n', "not in the language of policies"),
        ('"federation:list_sites": "(role:x"\n', "not in the language of policies"),
        ('"federation:list_sites": "rule:nonesuch"\n', "federation:list_sites: refers to a rule"),
        ('"a": "rule:b"\n"b": "rule:a"\n', "in a circle"),
        ('"federation:list_sites": "http://policy.example.org/"\n', "asks another server"),
    ],
)
def test_a_broken_file_stops_the_start_with_one_line(
    tmp_path: Path, text: str, complaint: str
) -> None:
    path = policy_file(tmp_path, text)
    with pytest.raises(SettingsError) as error:
        Policy(path)
    assert str(error.value).startswith(f"{path}: ")
    assert complaint in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        Policy(tmp_path / "none.yaml")


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = policy_file(tmp_path, "")
    policy = Policy(path)
    assert rules.LIST_SITES in allowed(policy, "reader")
    policy_file(tmp_path, '"federation:list_sites": "role:auditor"\n')
    assert rules.LIST_SITES not in allowed(policy, "reader")
    assert rules.LIST_SITES in allowed(policy, "auditor")


def test_a_file_broken_later_is_not_taken(tmp_path: Path) -> None:
    path = policy_file(tmp_path, '"federation:list_sites": "role:auditor"\n')
    policy = Policy(path)
    for broken in ("a: [", None):
        if broken is None:
            os.unlink(path)
        else:
            policy_file(tmp_path, broken)
        with capture_logs() as logs:
            assert rules.LIST_SITES not in allowed(policy, "reader")
            assert rules.LIST_SITES in allowed(policy, "auditor")
        assert [each["log_level"] for each in logs] == ["error"], "said once, not at each request"


def test_the_sample_is_what_the_rules_say() -> None:
    generator = Path(sys.executable).with_name("oslopolicy-sample-generator")
    made = subprocess.run(
        [str(generator), "--namespace", "federator"], capture_output=True, text=True, check=True
    )
    cure = "oslopolicy-sample-generator --namespace federator --output-file deploy/policy.yaml"
    assert (ROOT / "deploy/policy.yaml").read_text() == made.stdout, cure
    assert made.stdout.count('"federation:') == 10
