"""How a replica is after something was done to it, or could not be, and when it is looked at again.

Pure but for chance: many failures of one cause are not to come back at one moment.
"""

import random

from idmap.desired import Desired, State, Status

LONGEST_BACKOFF = 300.0
LONGEST_WAIT = 60.0
"""Between two looks whether what something waits for has come: mostly its daemon is woken before."""
RESTLESS_SECONDS = 60.0
RESTLESS_TIMES = 3


def reached(entry: Desired, before: Status | None, local_id: str, now: float) -> Status:
    """It is as it is to be.

    What has to be made so again and again is left alone for longer and longer: somebody works against us, or
    the site says something else than it was told.
    """
    times, generation = 0, entry.generation
    if before is not None and before.tried == generation:
        soon = before.state is State.READY and now - before.since < RESTLESS_SECONDS
        times = before.attempts + 1 if soon or before.state is State.DRIFT else 0
    if times < RESTLESS_TIMES:
        return Status(State.READY, generation, generation, local_id, attempts=times, since=now)
    why = "does not stay as it is made"
    later = now + _pause(times - RESTLESS_TIMES + 1)
    return Status(State.DRIFT, generation, generation, local_id, why, times, later, now)


def waits(before: Status | None, why: str, now: float) -> Status:
    """Something else has to be there first: looked for with every wake, and by itself ever more seldom."""
    same = before is not None and (before.state, before.error) == (State.PENDING, why)
    since = before.since if before and same else now
    later = now + min(LONGEST_WAIT, max(1.0, now - since))
    local_id = before.local_id if before else ""
    return Status(State.PENDING, 0, 0, local_id, why, 0, later, since)


def failed(entry: Desired, before: Status | None, state: State, why: str, now: float) -> Status:
    """It went wrong."""
    attempts = 1
    if before is not None and before.tried == entry.generation and before.state is not State.READY:
        attempts = before.attempts + 1
    generation, local_id = (before.generation, before.local_id) if before else (0, "")
    later = now + _pause(attempts)
    return Status(state, generation, entry.generation, local_id, why, attempts, later, now)


def drained(entry: Desired, now: float) -> Status:
    """It is kept away from its site, as it is to be."""
    return Status(State.DRAINED, entry.generation, entry.generation, since=now)


def _pause(attempts: int) -> float:
    return min(LONGEST_BACKOFF, 2.0**attempts) * random.uniform(0.5, 1.5)
