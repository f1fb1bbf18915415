"""A rule of a QoS policy that is named without its policy: what is changed is the policy, at its anchor."""

from dataclasses import dataclass
from typing import Any, cast

import pytest

from adapters.registry import all_services
from federator.asker import Question
from federator.plan import Reach, Whereabouts, plan
from federator.route import route
from federator.sharing.sharing import Sharing
from idmap.desired import Desired
from idmap.memory_desired import MemoryDesiredStore
from idmap.store import SHARED, Pin
from sync.kinds.policy import RULES

POLICY, RULE, OTHER = (f"{n}f0e0d0c-0b0a-4908-8706-050403020100" for n in range(3))
PLACES = {"paris": "p", "tokyo": "t"}


@dataclass
class Known:
    """What `Sharing` needs here of all that it is made of."""

    store: MemoryDesiredStore

    @property
    def wanted(self) -> "Known":
        return self

    @property
    def reader(self) -> "Known":
        return self

    @property
    def locator(self) -> "Known":
        return self

    def shared(self, kind: str, global_id: str) -> Pin | None:
        return Pin(POLICY, kind, SHARED, PLACES, anchor="tokyo") if global_id == POLICY else None


@pytest.mark.parametrize(
    ("method", "rule", "path", "reach"),
    [
        ("PUT", RULE, f"/qos/alias-bandwidth-limit-rules/{RULE}", Reach.ANCHOR),
        ("DELETE", RULE, f"/qos/alias-bandwidth-limit-rules/{RULE}", Reach.ANCHOR),
        ("GET", RULE, f"/qos/alias-bandwidth-limit-rules/{RULE}", Reach.ONE),
        ("PUT", OTHER, f"/qos/alias-bandwidth-limit-rules/{OTHER}", Reach.ONE),
        ("PUT", RULE, f"/qos/policies/{POLICY}/bandwidth_limit_rules/{RULE}", Reach.ANCHOR),
    ],
)
async def test_where_a_rule_is_changed(method: str, rule: str, path: str, reach: Reach) -> None:
    store = MemoryDesiredStore()
    sites = frozenset(PLACES)
    await store.put(Desired(POLICY, "policy", "a" * 32, "tokyo", sites, {RULES: [RULE]}))
    known: Any = Known(store)
    call = route(all_services()["network"], method, f"/v2.0{path}")
    assert call is not None
    whole = {POLICY: PLACES} if POLICY in path else {}
    anchors = {POLICY: "tokyo"} if whole else {}
    where = Whereabouts(path={**whole, rule: {"tokyo": "r"}}, anchors=anchors)
    sharing = Sharing(known, known, known, known, tuple(PLACES), "paris", 1, known)
    asked = Question(call, None, cast(Any, None), where, "req-1")
    where = (await sharing.in_wholes(asked)).where
    found = plan(call, where, tuple(PLACES), "paris")
    assert (found.reach, found.sites) == (reach, ("tokyo",))
    # Whatever goes into a path of the site is one of its own IDs.
    assert all(local for places in where.path.values() for local in places.values())
