"""Changes of which it was never told how they ended: a gateway died between the anchor's answer and ours. Pure.

The anchor says how it ended: what is there now is what the tenant's own token made of it.
"""

from dataclasses import replace

from idmap.desired import Desired
from sync.diff import CHANGING_SECONDS
from sync.kind import Kind
from sync.plan import Replica
from sync.share import changed


def ended(
    entry: Desired, kind: Kind, replica: Replica | None, now: float, *, kept_away: bool = False
) -> Desired | None:
    """The entry as it is to be after a change that took too long; None if there was none.

    For the daemon of the anchor. What is `kept_away` there for now is missing without being gone.
    """
    if not entry.changing or now - entry.changing < CHANGING_SECONDS:
        return None
    if replica is None and kept_away:
        return replace(entry, changing=0)
    if replica is None:
        return replace(entry, changing=0, deleted=True, generation=entry.generation + 1)
    return changed(entry, kind, replica.item)
