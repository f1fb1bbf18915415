"""What daemons do at Neutron is what the data say, and what the documentation says."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from adapters.daemon_rights import DAEMONS
from sync.kinds.policy import RULES_OF
from sync.registry import all_kinds

ROOT = Path(__file__).parents[1]
WORDS = {
    "{verb}": ("add", "remove"),
    "{sort}": RULES_OF,
    "{kind}s": ("networks", "subnets", "ports"),
}
"""What the source leaves open in paths."""


def test_every_call_of_the_daemons_is_a_right() -> None:
    """The calls that change something: as they stand in the source, and as they follow from the kinds."""
    changes = {str(right) for right in DAEMONS if right.method != "GET"}

    assert changes == {*of_the_kinds(), *in_the_source()}


def test_what_daemons_read_beside_lists_is_read() -> None:
    source = "".join(file.read_text() for file in (ROOT / "sync").rglob("*.py"))

    for right in DAEMONS:
        if right.method == "GET":
            assert right.path.partition("{")[0] in source


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
            yield f"PUT {kind.tags_path}/{{id}}/tags"


def in_the_source() -> Iterator[str]:
    """METHOD and path of each call whose path stands in the source."""
    for file in sorted((ROOT / "sync").rglob("*.py")):
        tree = ast.parse(file.read_text())
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef)]
        first = next(iter(sorted(assigned(tree).items())), (0, ""))[1]
        for function in functions:
            for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
                if not isinstance(call.func, ast.Attribute) or len(call.args) < 2:
                    continue
                method, where = call.args[:2]
                if call.func.attr in ("call", "request") and isinstance(method, ast.Constant):
                    before = [text for at, text in assigned(function).items() if at < call.lineno]
                    # One that was handed over has been assigned by who hands it over.
                    base = before[-1] if before else first
                    yield from spelt(str(method.value), ast.unparse(where), base)


def assigned(tree: ast.AST) -> dict[int, str]:
    """Line -> what is assigned to `path` there."""
    return {
        node.lineno: ast.unparse(node.value).strip("f'\"")
        for node in sorted(
            (each for each in ast.walk(tree) if isinstance(each, ast.Assign)),
            key=lambda each: each.lineno,
        )
        if ast.unparse(node.targets[0]) == "path"
    }


def spelt(method: str, where: str, base: str) -> Iterator[str]:
    text = base if where == "path" else where.strip("f'\"").replace("{path}", base)
    if method == "GET" or not text.startswith("/v2.0/"):
        return
    named = [(name, words) for name, words in WORDS.items() if name in text]
    for name, words in named or [("{}", [""])]:
        yield from (named_right(method, text.replace(name, word)) for word in words)


def named_right(method: str, text: str) -> str:
    path = text.partition("?")[0]
    *front, last = re.sub(r"\{[^}]*\}", "{id}", path).split("/")
    return f"{method} {'/'.join([*front, '{tag}' if front[-1] == 'tags' else last])}"
