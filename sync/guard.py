"""What of a plan is not done unasked: too much at once, or on the word of a site that may have lost its memory.

Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b

from idmap.desired import State, Status
from sync.kind import Kind
from sync.plan import Change, Create, Delete, Plan

MOST_DELETIONS = 1 / 3
"""The part of what is kept at a site that may be taken away in one round ..."""
ALWAYS_DELETED = 10
"""... and so many in any case: who has two networks may delete one."""


def guarded(
    plan: Plan,
    kinds: Sequence[Kind],
    listed: Mapping[str, int],
    statuses: Mapping[str, Status],
    confirmed: str = "",
) -> Plan:
    """The plan without what has to be confirmed first, and sentences that say so.

    `listed` is how many objects of each kind the site showed, ours or not. `confirmed` is the `digest` of the
    plan that somebody has looked at and wants.
    """
    if confirmed and confirmed == digest(plan):
        return plan
    refused: list[str] = []
    changes: Sequence[Change] = plan.changes
    had: dict[str, int] = {}
    for change in changes:
        known = statuses.get(change.desired.global_id)
        if isinstance(change, Create) and known is not None and known.state is State.READY:
            had[change.desired.kind] = had.get(change.desired.kind, 0) + 1
    for kind in kinds:
        if had.get(kind.name) and not listed.get(kind.name):
            refused.append(
                f"the site shows no {kind.resource.keys} at all, where {had[kind.name]} of ours were: "
                "look at the rights of the account there"
            )
            changes = [each for each in changes if each.desired.kind != kind.name]
    deletions = [each for each in changes if isinstance(each, Delete) and not _is_asked(each)]
    kept = len(plan.alike) + len(changes)
    if len(deletions) > max(ALWAYS_DELETED, MOST_DELETIONS * kept):
        refused.append(f"{len(deletions)} of {kept} replicas would be deleted")
        changes = [each for each in changes if each not in deletions]
    if refused:
        cure = f"federator apply --site {plan.site} --confirm {digest(plan)} does all of it"
        refused = [f"{line}; {cure}" for line in refused]
    return replace(plan, changes=tuple(changes), refused=tuple(refused))


def _is_asked(change: Delete) -> bool:
    """Whether an operator has asked for it, or what it deletes is there once more and stays."""
    return bool(change.drains) or (change.extra and change.replica.kind == change.desired.kind)


def digest(plan: Plan) -> str:
    """A short name for what a plan does: another plan has another one."""
    words = sorted(
        f"{type(change).__name__} {change.desired.global_id} {change.desired.generation}"
        for change in plan.changes
    )
    return blake2b("\n".join([plan.site, *words]).encode(), digest_size=6).hexdigest()
