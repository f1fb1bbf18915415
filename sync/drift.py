"""What was changed at a site behind our back is only reported there, where operators want it so. Pure.

Known as such is what carries the marks of the generation that is wanted, and differs all the same. With the
next change by its tenant it is made alike again. What is missing is made as ever, and what is to be gone goes;
and what cannot say how far it is (address groups, rules) is put right.
"""

from dataclasses import replace

from sync.plan import Change, Plan, Update


def reported(plan: Plan) -> Plan:
    """The plan without putting right what was right, and differs now."""
    drift = [each for each in plan.changes if isinstance(each, Update) and _is_drift(each)]
    rest: list[Change] = [each for each in plan.changes if each not in drift]
    return replace(plan, changes=tuple(rest), drift=tuple(drift))


def said(change: Update) -> str:
    """A sentence about it."""
    return f"was changed at the site, past the federation: {', '.join(sorted(change.fields))}"


def _is_drift(change: Update) -> bool:
    return bool(change.fields) and change.replica.marks == change.marks
