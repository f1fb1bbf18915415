"""Names at home that cannot be told to a site as they are."""

from collections.abc import Iterator

from adapters.mapping import GROUP_LENGTH, ROLES, carries
from federator.report.finding import Finding, Weight, found, plain
from federator.report.snapshot import Snapshot


def clashes(snapshot: Snapshot) -> Iterator[Finding]:
    """Of users, projects and domains of home."""
    home = snapshot.home
    bad = [
        f"{kind} {plain(each['name'])}"
        for kind in ("domain", "project", "user")
        for each in home.of(kind)
        if not carries(str(each["name"]))
    ]
    yield from found(
        Weight.CLASH,
        "names-not-carried",
        "Names at home that cannot be told to a site unchanged",
        means="logins with them are refused at sites of the strategies k2k and oidc",
        cure="rename them at home, to at most 64 of A-Z a-z 0-9 . _ -; their IDs stay",
        cases=bad,
    )
    longest = max(map(len, ROLES))
    yield from found(
        Weight.CLASH,
        "names-too-long",
        "Projects of home whose name and domain are too long together",
        means=f"the group of their members has no room at a site: a name of at most {GROUP_LENGTH} characters",
        cure="shorten one of the two names",
        cases=[
            plain(name)
            for name in sorted(home.project(each["id"]) for each in home.of("project"))
            if len(f"fed:{name}:") + longest > GROUP_LENGTH
        ],
    )
