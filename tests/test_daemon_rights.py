"""What daemons do at Neutron is what the data say, and what the documentation says."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from adapters.daemon_rights import DAEMONS
from adapters.registry import all_services
from adapters.rights import lists
from sync.registry import all_kinds

ROOT = Path(__file__).parents[1]


def test_every_call_of_the_daemons_is_a_right() -> None:
    """The calls as they stand in the source, and those that follow from the kinds."""
    read = {str(right) for right in lists(all_services()) if right.service == "network"}
    read |= {f"GET {kind.path}/{{id}}" for kind in all_kinds()} | {"GET /v2.0/extensions"}

    assert {str(right) for right in DAEMONS} == {*of_the_kinds(), *in_the_source()} - read


def test_every_right_of_the_daemons_is_documented() -> None:
    said = (ROOT / "docs/networking.md").read_text().partition("## What the account does")[2]
    rows = re.findall(r"^\| `(\w+ /\S+?)` \| `(\S+?)` \| (.*?) \|$", said, re.MULTILINE)

    assert rows == [(str(right), right.rule, right.why) for right in DAEMONS]


def of_the_kinds() -> Iterator[str]:
    """What `sync.apply` does to every kind that has no ways of its own."""
    for kind in all_kinds():
        one = f"{kind.path}/{{id}}"
        if kind.create is None:
            yield f"POST {kind.path}"
        if kind.synced and kind.change is None:
            yield f"PUT {one}"
        if kind.delete is None:
            yield f"DELETE {one}"
        if kind.resource.tagged:
            yield f"PUT {one}/tags"


def in_the_source() -> Iterator[str]:
    """METHOD and path of each call whose path stands in the source."""
    for file in sorted((ROOT / "sync").rglob("*.py")):
        tree = ast.parse(file.read_text())
        paths = {
            node.lineno: ast.unparse(node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "path"
        }
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            if not isinstance(call.func, ast.Attribute) or len(call.args) < 2:
                continue
            method, where = call.args[:2]
            if call.func.attr in ("call", "request") and isinstance(method, ast.Constant):
                yield from spelt(str(method.value), ast.unparse(where), call.lineno, paths)


def spelt(method: str, where: str, line: int, paths: dict[int, str]) -> Iterator[str]:
    before = [text for number, text in sorted(paths.items()) if number < line]
    base = before[-1].strip("f'\"") if before else ""
    text = base if where == "path" else where.strip("f'\"").replace("{path}", base)
    if not text.startswith("/v2.0/"):
        return
    for verb in ("add", "remove") if "{verb}" in text else ("",):
        path = text.replace("{verb}", verb).partition("?")[0]
        *front, last = re.sub(r"\{[^}]*\}", "{id}", path).split("/")
        yield f"{method} {'/'.join([*front, '{tag}' if front[-1] == 'tags' else last])}"
