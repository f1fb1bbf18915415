"""Names and passwords of the users that stand for users of home at a site, and the secret behind them."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from adapters.account import Account
from adapters.deputy import NAME_LENGTH, description, home_user_id, key, name, password
from adapters.errors import SettingsError
from adapters.mapping import ROLES, home_user
from adapters.secret import read_secret
from adapters.sites import Federation, Site
from adapters.strategies import make_strategy
from adapters.strategy import Surroundings
from tests.session.people import make_identity

ids = some.from_regex(r"[A-Za-z0-9-]{1,64}", fullmatch=True)
names = some.text(min_size=1, max_size=255)
role_sets = some.lists(some.sampled_from(ROLES), min_size=1, unique=True).map(tuple)


@given(user_id=ids, user_name=names, domain=names, roles=role_sets)
def test_any_home_user_has_a_name_that_every_database_can_keep_and_compare(
    user_id: str, user_name: str, domain: str, roles: tuple[str, ...]
) -> None:
    who = make_identity(user_id=user_id, user_name=user_name, user_domain_name=domain)
    given_name = name(who, roles)
    assert len(given_name) <= NAME_LENGTH
    assert re.fullmatch(r"[A-Za-z0-9_.~%@:+-]+", given_name)
    assert given_name.startswith(key(who, roles))
    assert home_user_id(given_name) == user_id
    assert user_name in description(who, roles)


@given(first=ids, second=ids, roles=role_sets, others=role_sets)
def test_no_key_begins_with_another(
    first: str, second: str, roles: tuple[str, ...], others: tuple[str, ...]
) -> None:
    one, two = make_identity(user_id=first), make_identity(user_id=second)
    same = (first, roles) == (second, others)
    assert key(one, roles).startswith(key(two, others)) == same


@pytest.mark.parametrize(
    "text", ["alice@acme", "u1:owner:alice@acme", "u1::a", ":member:a", "u/1:member:a", "", "a:b"]
)
def test_other_users_of_the_site_stand_for_nobody(text: str) -> None:
    assert home_user_id(text) is None


def test_the_mappings_users_and_these_are_told_apart() -> None:
    who = make_identity()
    assert home_user(name(who, ("member",))) is None


def test_a_password_is_of_one_site_one_user_one_set_of_roles_and_one_secret() -> None:
    secret, who = b"s" * 32, make_identity()
    one = password(secret, "paris", key(who, ("member", "reader")))
    assert one == password(secret, "paris", key(who, ("member", "reader")))
    others = {
        password(secret, "tokyo", key(who, ("member", "reader"))),
        password(secret, "paris", key(who, ("reader",))),
        password(secret, "paris", key(make_identity(user_id="u2"), ("member", "reader"))),
        password(b"t" * 32, "paris", key(who, ("member", "reader"))),
    }
    assert len(others - {one}) == 4


@given(some.binary(min_size=32, max_size=64), ids)
def test_a_password_is_what_rules_for_passwords_ask_for(secret: bytes, user_id: str) -> None:
    made = password(secret, "paris", key(make_identity(user_id=user_id), ("member",)))
    assert re.fullmatch(r"[A-Za-z0-9_-]{47}", made)
    for kind in ("[a-z]", "[A-Z]", "[0-9]", "[^A-Za-z0-9]"):
        assert re.search(kind, made)


def test_a_secret_is_read_without_the_line_break_of_an_editor(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"s" * 32 + b"\n")
    path.chmod(0o640)
    assert read_secret(path, "secret_file") == b"s" * 32


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        (None, 0o600, "cannot be read (No such file or directory)"),
        (b"s" * 31, 0o600, "has 31 bytes; put at least 32"),
        (b"s" * 31 + b"\n\n", 0o600, "has 31 bytes"),
        (b"s" * 32, 0o604, "everybody may read it; chmod 600"),
    ],
)
def test_a_secret_that_is_none_is_one_line_with_setting_file_and_cure(
    tmp_path: Path, content: bytes | None, mode: int, said: str
) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
        path.chmod(mode)
    with pytest.raises(SettingsError) as caught:
        read_secret(path, "secret_file")
    text = str(caught.value)
    assert text.startswith(f"secret_file: {path}: ")
    assert said in text
    assert "\n" not in text
    assert "sss" not in text


def test_without_a_secret_the_start_says_which_site_needs_one() -> None:
    site = Site("paris", "http://k/v3", "password", {}, federation=Federation(strategy="mapped"))
    account = Account(site)
    try:
        with pytest.raises(SettingsError, match=r"^secret_file: is missing; site paris"):
            make_strategy(Surroundings(site, site, account, 5))
    finally:
        account.close()
