"""The tour: what a user types, what he gets, and what must be in it."""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field

from demo_parts import BIN, ROOT, Client, say

NEW = "hello"
"""The server that the tour makes; each tour makes it anew."""

_SHOWN = "-c id -c name -c status -c OS-EXT-AZ:availability_zone -c addresses"
_TOKEN = re.compile(r"(gAAAA[\w-]{12})[\w=-]+")


@dataclass
class Tour:
    """Runs commands and remembers which did not do what they should."""

    environment: dict[str, str]
    failed: list[str] = field(default_factory=list)

    def step(self, comment: str, command: str, *expected: str) -> str:
        """Show one command and its output, in which each of `expected` has to be found (regex)."""
        print(f"\n# {comment}\n$ {command}" if comment else f"$ {command}", flush=True)
        program, *words = shlex.split(command)
        done = subprocess.run(
            [BIN / program, *words],
            env=self.environment,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        print("\n".join(_shortened(done.stdout)), flush=True)
        if done.returncode:
            self.failed.append(f"{command}: ended with {done.returncode}")
        else:
            lacking = [each for each in expected if not re.search(each, done.stdout)]
            self.failed += [f"{command}: {each!r} is not in its output" for each in lacking]
        return done.stdout


def tour(client: Client) -> list[str]:
    """Show everything. The steps that failed, each in one line."""
    tour = Tour(_environment(client))
    _remove_earlier(tour.environment)
    tour.step("One login, at home.", "openstack token issue", r"\| project_id ")
    tour.step(
        "One catalogue, with one region. Every service is at one address.",
        "openstack catalog list -c Name -c Type",
        *(rf"\\| {name} " for name in ("compute", "network", "image", "block-storage")),
    )
    tour.step(
        "",
        "openstack catalog show compute -c name -c type -c endpoints",
        rf"public: {client.url}/compute/v2\.1",
    )
    tour.step(
        "The sites are availability zones.",
        "openstack availability zone list --compute",
        r"\| paris ",
        r"\| tokyo ",
    )
    tour.step(
        "Images and flavors that are equal at all sites are one.",
        "openstack image list",
        r"\| cirros ",
    )
    tour.step("", "openstack flavor list", r"\| m1\.tiny ")
    tour.step(
        "Servers of both sites in one list.",
        "openstack server list",
        r"\| paris-web +\| ACTIVE ",
        r"\| tokyo-web +\| ACTIVE ",
    )
    tour.step(
        "Volumes as well.",
        "openstack volume list",
        r"\| paris-data +\| available ",
        r"\| tokyo-data +\| available ",
    )
    made = tour.step(
        "A new server, at tokyo.",
        f"openstack server create --availability-zone tokyo --image cirros --flavor m1.tiny"
        f" --network tokyo-net --wait {_SHOWN} {NEW}",
        r"\| status +\| ACTIVE ",
    )
    found = re.search(r"\| id +\| (\S+)", made)
    if found is None:
        tour.failed.append("the new server has no ID")
        return tour.failed
    server = found.group(1)
    tour.step(
        "Its ID is a global one and works everywhere.",
        f"openstack server show {server} {_SHOWN}",
        r"\| status +\| ACTIVE ",
        r"availability_zone +\| tokyo ",
    )
    tour.step(
        "What an operator sees behind it: the site, and the ID there.",
        f"federator idmap show {server}",
        rf"^{server}  computed\n  tokyo  [0-9a-f-]{{36}}\n",
    )
    tour.step(
        "The network of that server is at tokyo too; each network is at one site for now.",
        "openstack network list",
        r"\| paris-net ",
        r"\| tokyo-net ",
    )
    return tour.failed


def _environment(client: Client) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
    wide = {"COLUMNS": "140", "PYTHONWARNINGS": "ignore"}
    return {**kept, **wide, **client.environment, "FEDERATOR_CONFIG": str(client.settings)}


def _remove_earlier(environment: dict[str, str]) -> None:
    command = [BIN / "openstack", "server", "delete", "--wait", NEW]
    done = subprocess.run(command, env=environment, capture_output=True, start_new_session=True)
    if done.returncode == 0:
        say("tour", f"the server {NEW} of an earlier demo is removed")


def _shortened(output: str) -> Iterator[str]:
    """A token is as good as a password: only its beginning is shown, in a table drawn anew."""
    lines = output.rstrip().splitlines()
    if not _TOKEN.search(output):
        yield from lines
        return
    rows = [[cell.strip() for cell in line.split("|")[1:3]] for line in lines if "|" in line]
    rows = [[name, _TOKEN.sub(r"\1…", value)] for name, value in rows]
    left, right = (max(map(len, column)) for column in zip(*rows, strict=True))
    rule = f"+{'-' * (left + 2)}+{'-' * (right + 2)}+"
    yield rule
    for number, (name, value) in enumerate(rows):
        yield f"| {name:{left}} | {value:{right}} |"
        if number in (0, len(rows) - 1):
            yield rule
