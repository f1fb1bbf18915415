"""The tables of login paths in docs/identity.md: each cell names a test that there is."""

import ast
import re
from pathlib import Path

from tests.logins.ways import LOGINS, WAYS

HERE = Path(__file__).parent
PAGE = (HERE.parents[1] / "docs/identity.md").read_text()


def test_every_cell_of_the_matrix_is_a_test_and_every_test_a_cell() -> None:
    table = PAGE.partition("<!-- login paths -->")[2].partition("<!-- end -->")[0]
    cells = re.findall(r"`every_way\[([\w-]+)\]`", table)
    assert sorted(cells) == sorted(f"{way}-{path}" for way in WAYS for path in LOGINS)
    refused = re.findall(r"refused: `every_way\[([\w-]+)\]`", table)
    assert sorted(refused) == sorted(
        cell for cell in cells if cell.startswith("oidc-") and "-v3oidc" not in cell
    )


def test_every_other_row_names_a_test() -> None:
    rows = re.findall(r"^\|.*\| `(test_\w+\.py)::(test_\w+)` \|$", PAGE, re.MULTILINE)
    assert len(rows) >= 10
    for file, test in rows:
        tree = ast.parse((HERE / file).read_text())
        functions = (ast.FunctionDef, ast.AsyncFunctionDef)
        assert test in {node.name for node in tree.body if isinstance(node, functions)}, test
