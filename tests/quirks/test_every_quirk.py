"""What holds for every quirk, the moment its file exists: nobody edits a list here."""

import itertools
from collections.abc import Sequence
from typing import Any

import pytest

from adapters.lifting import Lifting
from adapters.profile import Profile, extensions_lifted, reach, steps
from adapters.quirk import Asked, Quirk, Said
from adapters.registry import all_quirks, all_services

QUIRKS = [quirk for quirks in all_quirks().values() for quirk in quirks]
LIFTING = [(quirk, call) for quirk in QUIRKS for call in quirk.calls]
BROKEN: Sequence[Any] = (None, [], "text", {}, {"x": None}, 7)


def title(value: object) -> str:
    if isinstance(value, Quirk):
        return f"{value.service}-{value.alias or value.since}"
    return str(value)


every_quirk = pytest.mark.parametrize("quirk", QUIRKS, ids=title)
every_call = pytest.mark.parametrize(("quirk", "call"), LIFTING, ids=title)


def question(call: str, query: str = "") -> Asked:
    """A question of this form."""
    method, _, path = call.removesuffix("/**").partition(" ")
    filled = "/".join("x" if part.startswith("{") else part for part in path.split("/"))
    method = "GET" if method == "*" else method
    return Asked(method, filled, query, {} if method in ("POST", "PUT") else None)


async def answer(quirk: Quirk, asked: Asked, said: Said) -> tuple[Said, list[Asked]]:
    """What becomes of this answer of a site, and what the site was asked."""
    heard: list[Asked] = []

    async def ask(question: Asked) -> Said:
        heard.append(question)
        return said

    return await Lifting().answer([quirk], asked, ask, ("site", "token")), heard


@every_quirk
def test_it_says_what_it_is(quirk: Quirk) -> None:
    assert quirk.service in all_services()
    assert (quirk.since is None) is bool(quirk.alias)
    assert quirk.what.endswith(".")
    assert (quirk.lift is None) is not bool(quirk.calls)


@every_quirk
def test_it_lifts_those_who_lack_it_and_nobody_else(quirk: Quirk) -> None:
    quirks = all_quirks()[quirk.service]
    if quirk.since is None:
        assert quirk in extensions_lifted(Profile(extensions=frozenset()), quirks)
        assert quirk not in extensions_lifted(Profile(extensions=frozenset({quirk.alias})), quirks)
        assert not extensions_lifted(Profile(extensions=None), quirks)
        return
    major, minor = quirk.since
    assert quirk in steps((major, minor - 1), quirks)
    assert quirk not in steps((major, minor), quirks)
    assert reach((major, minor - 1), quirks) >= quirk.since


@every_call
def test_its_calls_are_its_own(quirk: Quirk, call: str) -> None:
    assert quirk.concerns(question(call))
    assert not quirk.concerns(Asked("GET", "/nonsense/x/y/z"))
    assert not quirk.concerns(Asked("DELETE", question(call).path)) or call.startswith("*")


@every_call
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429, 500, 503])
async def test_an_error_of_the_site_stays_that_error(quirk: Quirk, call: str, status: int) -> None:
    said, _ = await answer(quirk, question(call), Said(status, {"error": {}}))
    assert said == Said(status, {"error": {}}) or (said.refusal and said.status in (400, 404))


@every_call
@pytest.mark.parametrize("query", ["", "limit=2&name=x&tags=y&router:external=true&fields=id"])
async def test_a_broken_answer_breaks_nothing(quirk: Quirk, call: str, query: str) -> None:
    for body, keys in itertools.product(BROKEN, ("server", "flavors", "subnet")):
        await answer(quirk, question(call, query), Said(200, body))
        await answer(quirk, question(call, query), Said(200, {keys: body}))
        await answer(quirk, question(call, query), Said(200, {keys: [body]}))


@every_call
async def test_a_question_that_changes_nothing_becomes_none_that_does(
    quirk: Quirk, call: str
) -> None:
    asked = question(call)
    _, heard = await answer(quirk, asked, Said(200, {}))
    for each in heard:
        assert each.method == "GET" or each.method == asked.method
