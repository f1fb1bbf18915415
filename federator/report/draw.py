"""A report as text for people and as JSON for programs. Pure."""

import json
from collections.abc import Iterator, Sequence

from federator.report.finding import Finding, Weight
from federator.report.snapshot import SITE_DOWN, SiteView, Snapshot

EXAMPLES = 5
"""Cases of one kind in the short form."""

_MARKS = {Weight.CLASH: "CLASH", Weight.NOTE: "note ", Weight.ONE: "one  "}
_ORDER = tuple(Weight)


def as_text(snapshot: Snapshot, findings: Sequence[Finding], *, whole: bool) -> str:
    """Grouped by weight; of each kind all cases if `whole`, else the first few."""
    return "\n".join(_lines(snapshot, findings, whole))


def as_json(snapshot: Snapshot, findings: Sequence[Finding]) -> str:
    """All cases of all kinds."""
    document = {
        "sites": {
            view.name: {
                "read": {kind: len(items) for kind, items in view.things.items()},
                "unread": dict(view.unread),
            }
            for view in (snapshot.home, *snapshot.sites)
        },
        "findings": [
            {
                "weight": each.weight,
                "kind": each.kind,
                "what": each.what,
                "means": each.means,
                "cure": each.cure,
                "count": len(each.cases),
                "cases": list(each.cases),
            }
            for each in _sorted(findings)
        ],
    }
    return json.dumps(document, ensure_ascii=False)


def _lines(snapshot: Snapshot, findings: Sequence[Finding], whole: bool) -> Iterator[str]:
    for view in (snapshot.home, *snapshot.sites):
        yield from _of_site(view)
    shortened = False
    for each in _sorted(findings):
        yield ""
        yield f"{_MARKS[each.weight]} {each.what} ({len(each.cases)})"
        yield f"      means: {each.means}"
        yield f"      cure:  {each.cure}"
        told = each.cases if whole else each.cases[:EXAMPLES]
        for case in told:
            yield f"      - {case}"
        if len(told) < len(each.cases):
            shortened = True
            yield f"      ... and {len(each.cases) - len(told)} more"
    if not findings:
        yield ""
        yield "nothing clashes, as far as could be seen"
    if shortened:
        yield ""
        yield "All of them: --all, or --json"


def _of_site(view: SiteView) -> Iterator[str]:
    if SITE_DOWN in view.unread:
        yield f"{view.name}: NOT READ, and so not in this report: {view.unread[SITE_DOWN]}"
        return
    counts = (f"{len(items)} {kind}" for kind, items in sorted(view.things.items()) if items)
    yield f"{view.name}: {', '.join(counts) or 'nothing there'}"
    for kind, reason in sorted(view.unread.items()):
        yield f"{view.name}: {kind} NOT READ: {reason}"


def _sorted(findings: Sequence[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda each: (_ORDER.index(each.weight), each.kind))
