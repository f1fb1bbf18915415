"""What the documentation says is checked against what there is: settings, examples, links, calls, messages."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import click
import prometheus_client
import pytest
import yaml

from adapters import rights
from adapters.registry import all_services
from adapters.sites import Federation, load_home, load_sites
from federator import cli, metrics
from federator.config import Settings, load

ROOT = Path(__file__).parents[1]
PAGES = [
    *(path for path in ROOT.glob("*.md") if path.name != "CHANGELOG.md"),
    *ROOT.glob("docs/**/*.md"),
    *ROOT.glob("deploy/*/README.md"),
]
OPERATORS = (ROOT / "docs/operators.md").read_text()
TENANTS = (ROOT / "docs/tenants.md").read_text()
IDENTITY = (ROOT / "docs/identity.md").read_text()

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_EXAMPLE = re.compile(r"<!-- ([\w ]*\.yaml) -->\n```yaml\n(.*?)```", re.DOTALL)
_CELL = re.compile(r"^\| `([^`|]+)` \|", re.MULTILINE)
_MAKE = re.compile(r"(?:`|^ +|^)make ([a-z-]+)(?=[`\s])", re.MULTILINE)


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def section(text: str, heading: str) -> str:
    """From the heading to the next one of its rank."""
    rank = heading.split()[0]
    _, found, rest = text.partition(f"\n{heading}\n")
    assert found, f"no heading {heading!r}"
    return re.split(rf"^{rank} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def examples(kind: str) -> list[tuple[str, str]]:
    found = [(name_of(page), _EXAMPLE.findall(page.read_text())) for page in PAGES]
    return [(page, text) for page, blocks in found for what, text in blocks if what == kind]


# ---- settings


@pytest.mark.parametrize(
    ("model", "heading"),
    [(Settings, "## federator.yaml"), (Federation, "## clouds.yaml")],
    ids=["federator.yaml", "clouds.yaml"],
)
def test_every_setting_is_documented_and_no_other(
    model: type[Settings] | type[Federation], heading: str
) -> None:
    documented = _CELL.findall(section(OPERATORS, heading))

    assert sorted(documented) == sorted(model.model_fields)


def test_the_documented_defaults_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `?([\w./:]+?)`? \|", OPERATORS, re.MULTILINE)
    defaults = {**Settings.model_fields, **Federation.model_fields}
    said = {
        name: value
        for name, value in rows
        if name in defaults and value not in ("required", "none", "made")
    }
    plain = {
        name: str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
        for name, field in defaults.items()
    }

    assert len(said) >= 10
    assert {name: plain[name] for name in said} == said


# ---- examples


@pytest.mark.parametrize(("page", "text"), examples("federator.yaml"))
def test_examples_of_federator_yaml_load(page: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "federator.yaml"
    path.write_text(text)

    assert load(path).sites == ("paris", "tokyo")


@pytest.mark.parametrize(("page", "text"), examples("clouds.yaml"))
def test_examples_of_clouds_yaml_load(page: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "clouds.yaml"
    path.write_text(text)
    sites = load_sites(path, ["paris", "tokyo"])

    assert list(sites) == ["paris", "tokyo"]
    assert load_home(path, "home").auth_url.startswith("https://")


def test_the_example_of_a_clients_clouds_yaml_is_one() -> None:
    for _, text in examples("client clouds.yaml"):
        for cloud in yaml.safe_load(text)["clouds"].values():
            assert cloud["auth"]["auth_url"].endswith("/identity")
            assert cloud["region_name"] == Settings.model_fields["region"].default


def test_there_are_examples() -> None:
    """Else the tests above would pass with nothing in them."""
    for kind in ("federator.yaml", "clouds.yaml"):
        assert {"README.md", "docs/operators.md"} <= {page for page, _ in examples(kind)}
    assert examples("client clouds.yaml")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_python_in_the_docs_is_python(page: Path) -> None:
    for block in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL):
        ast.parse(block)
    for line in re.findall(r"python -c '([^']+)'", page.read_text()):
        exec(compile(line, name_of(page), "exec"), {})


# ---- links, files, commands


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    dead = []
    for link in _LINK.findall(text):
        if link.startswith(("http://", "https://")):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    assert not dead


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_files_that_are_named_are_there(page: Path) -> None:
    named = re.findall(
        r"`((?:federator|adapters|idmap|lab|deploy|docs|tests)/[\w./-]*\w)`", page.read_text()
    )
    assert not [path for path in named if not (ROOT / path).exists()]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_targets_of_make_that_are_named_are_there(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(_MAKE.findall(page.read_text())) <= targets


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_of_federator_that_are_named_are_there(page: Path) -> None:
    code = re.findall(
        r"`federator ([^`\n]+)`|^ +(?:\$ )?federator ([^#\n]+)", page.read_text(), re.MULTILINE
    )
    for line in (first or second for first, second in code):
        command: click.Command = cli.main
        for word in line.split():
            if not isinstance(command, click.Group):
                break
            assert word in command.commands, line
            command = command.commands[word]
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in line.split() if word.startswith("--")} <= options, line


def test_the_readme_has_the_picture() -> None:
    assert "docs/images/architecture.svg" in (ROOT / "README.md").read_text()


# ---- what the gateway's account calls


def test_every_list_that_the_rebuild_reads_is_documented() -> None:
    account = section(OPERATORS, "## The gateway's account")
    rows = dict(re.findall(r"^\| ([a-z-]+) \| (`/.*`) \|$", account, re.MULTILINE))
    documented = {service: sorted(re.findall(r"`([^`]+)`", row)) for service, row in rows.items()}
    read = {
        service.type: sorted(resource.index for resource in service.resources if resource.index)
        for service in all_services().values()
    }

    assert documented == read


def test_every_list_of_extensions_that_is_read_is_documented() -> None:
    account = section(OPERATORS, "## The gateway's account")
    for right in rights.extensions(all_services()):
        assert f"{right.service} `{right}`" in " ".join(account.split())


def test_every_call_of_the_account_is_a_right_that_can_be_checked() -> None:
    """The calls as they stand in the source: whoever adds one has to say so in `adapters.rights`."""
    assert {str(right) for right in (*rights.SITE, *rights.HOME)} == set(calls_of_the_account())


def test_every_right_of_the_account_is_documented() -> None:
    account = section(OPERATORS, "## The gateway's account")
    rows = set(re.findall(r"^\| `(\w+ /\S+?)` \| `(\S+?)` \| (.*?) \|", account, re.MULTILINE))

    assert rows == {(str(right), right.rule, right.why) for right in rights.SITE}
    for right in rights.HOME:
        assert f"`{right}`" in account.rpartition("At home the account")[2]


def calls_of_the_account() -> Iterator[str]:
    """METHOD and path of each call of `Directory` and `Account`, outside of those two and of the survey."""
    for path in sorted([*ROOT.glob("adapters/**/*.py"), *ROOT.glob("federator/**/*.py")]):
        if path.name in ("account.py", "survey.py"):
            continue
        tree = ast.parse(path.read_text())
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            yield from call_of_the_account(path, call)


def call_of_the_account(path: Path, call: ast.Call) -> Iterator[str]:
    if not isinstance(call.func, ast.Attribute):
        return
    verb, on = call.func.attr, ast.unparse(call.func.value)
    first = call.args[0] if call.args else None
    if on.endswith("_directory") and verb in ("list", "find") and isinstance(first, ast.Constant):
        yield f"GET /v3/{first.value}"
    if (
        on == "self"
        and path.name == "directory.py"
        and verb == "find"
        and isinstance(first, ast.Constant)
    ):
        yield f"GET /v3/{first.value}"
    if on.endswith("_directory") and verb == "find_or_add" and isinstance(first, ast.Constant):
        yield from (f"GET /v3/{first.value}", f"POST /v3/{first.value}")
    if on.endswith("_directory") and verb in ("grant_to_group", "grant_to_user"):
        whom = verb.removeprefix("grant_to_")
        grant = f"/v3/projects/{{project}}/{whom}s/{{{whom}}}/roles/{{role}}"
        yield from (f"HEAD {grant}", f"PUT {grant}")
    if on.endswith("_directory") and verb == "call":
        where = re.sub(
            r"\{quote\((\w+?)(?:_id)?\)\}", r"{\1}", ast.unparse(call.args[1]).strip("f'")
        )
        yield f"{ast.literal_eval(call.args[0])} /v3{where.partition('?')[0]}"
    if re.search(r"\baccounts?\b|\bhome$", on) and verb in (
        "get",
        "post",
        "put",
        "patch",
        "delete",
    ):
        where = ast.unparse(call.args[1]) if len(call.args) > 1 else ""
        if where == "path":
            where = assigned(path, call)
        where = re.sub(r"\{quote\((\w+).*?\)\}", r"{\1}", where.strip("f'\""))
        if where.startswith("/"):
            yield f"{verb.upper()} {where.partition('?')[0]}"


def assigned(path: Path, call: ast.Call) -> str:
    """What was assigned to `path` last before this call."""
    found = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Assign)
        and ast.unparse(node.targets[0]) == "path"
        and node.lineno < call.lineno
    ]
    return ast.unparse(max(found, key=lambda node: node.lineno).value) if found else ""


# ---- messages, metrics, roles


def texts_of_the_code() -> set[str]:
    texts = set()
    for path in [*ROOT.glob("adapters/**/*.py"), *ROOT.glob("federator/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.add(node.value)
    return texts


def test_messages_in_the_docs_are_those_of_the_code() -> None:
    texts = texts_of_the_code()
    messages = [
        *_CELL.findall(section(OPERATORS, "## Troubleshooting")),
        *re.findall(r"^\| \d{3} \| `([^`]+)` \|", TENANTS, re.MULTILINE),
    ]
    unknown = [
        message
        for message in messages
        for part in re.split("…", message)
        if part.strip(" :.()") and not any(part in text for text in texts)
    ]

    assert len(messages) > 25
    assert not unknown


def test_every_metric_is_documented() -> None:
    shown = {
        f"{collector._name}_total"
        if isinstance(collector, prometheus_client.Counter)
        else collector._name
        for collector in vars(metrics).values()
        if isinstance(
            collector,
            prometheus_client.Counter | prometheus_client.Histogram | prometheus_client.Gauge,
        )
    }

    assert set(re.findall(r"`(federator_\w+)`", section(OPERATORS, "## Watching it"))) == shown


def test_the_roles_and_the_rule_for_names_are_those_of_the_code() -> None:
    mapping = importlib.import_module("adapters.mapping")

    assert ", ".join(f"`{role}`" for role in mapping.ROLES) in IDENTITY
    assert f"at most {mapping.GROUP_LENGTH} characters" in IDENTITY
    longest = mapping.GROUP_LENGTH - len("fed:::member")
    assert f"together at most {longest} for" in IDENTITY


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/decisions/*.md")), ids=name_of)
def test_decisions_say_context_decision_and_consequences(page: Path) -> None:
    text = page.read_text()
    order = [text.find(f"**{word}.**") for word in ("Context", "Decision", "Consequences")]

    assert text.startswith(f"# {page.name[:4]} ")
    assert -1 not in order
    assert order == sorted(order)
