"""What is odd about a project's `default` security group: Neutron makes one at each site by itself. Pure.

it is not there     nobody can make it but Neutron, which does as soon as the project is at work at the
                    site. Until then nothing is missing: so nothing comes back of a project that is gone
it has just come    a default group that is in care comes into care at further sites by itself, for
                    there it is anyway
it says otherwise   somebody gave the site's own group rules before. They are not taken away: the two stay
                    apart, until they are alike or that one says no more than Neutron wrote
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from idmap.desired import Desired
from sync.plan import Odd, Plan, Replica
from sync.registry import kind_of
from sync.share import at_more_sites, wholes

GROUP, RULE = kind_of("security_group"), kind_of("security_group_rule")
_WHOLE = "security_group_id"


@dataclass(slots=True)
class Seen:
    """How the default groups of a site are."""

    joining: list[Desired] = field(default_factory=list)
    """Entries that are to be here, too; parts first."""
    absent: set[str] = field(default_factory=set)
    """Global IDs of groups that Neutron has not made here (any more), and of their rules."""
    apart: dict[str, str] = field(default_factory=dict)
    """Global ID of what is to be here -> why it cannot be: the site's own group is another."""
    parted: set[str] = field(default_factory=set)
    """Global IDs of what need not be here, and is another here, though it may have been one with it."""
    strangers: set[str] = field(default_factory=set)
    """Local IDs of default groups that are the site's own, and stay so."""
    odd: list[Odd] = field(default_factory=list)
    """... to be said to operators."""

    @property
    def left_alone(self) -> set[str]:
        """Global IDs of that for which nothing is to be done here."""
        return self.absent | self.apart.keys() | self.parted


def default_groups(
    site: str,
    desired: Sequence[Desired],
    observed: Mapping[str, Sequence[Replica]],
    places: Mapping[str, str],
) -> Seen:
    """What a site has of the default groups that are in care.

    `places` is global ID -> local ID of the replicas that the ID map has at the site.
    """
    seen = Seen()
    mine = [(GROUP.natural(each.spec), each) for each in desired if each.kind == GROUP.name]
    if not any(key for key, _ in mine):
        return seen
    there, said, rules = _there(observed), _said(observed), _parts(desired)
    for key, entry in mine:
        if key is None or entry.quarantined or site in entry.unread:
            continue
        found, parts = there.get(key, []), rules.get(entry.global_id, [])
        alive = [each for each in parts if not each.deleted]
        wanted = site in entry.sites
        ours = any(_is_of(each, entry, places, wanted=wanted) for each in found)
        own = next((each for each in found if each.marks is None), None)
        if entry.deleted:
            seen.strangers |= {own.local_id} if own is not None and not ours else set()
        elif ours or (own is not None and _says_no_more(own, said, entry, alive)):
            if not wanted:
                # At once, even if it is being changed: until then its rules would be too many here.
                seen.joining += _all_of(entry, desired, rules, site)
        elif own is not None:
            why = f"the project's own default group at {site} has other rules"
            seen.strangers.add(own.local_id)
            if wanted:
                seen.apart |= dict.fromkeys([entry.global_id, *_ids(alive)], why)
            else:
                seen.parted |= {entry.global_id, *_ids(parts)}
                seen.odd.append(Odd(GROUP.name, entry.global_id, own.local_id, why))
        elif wanted and not found:
            seen.absent |= {entry.global_id, *_ids(alive)}
    return seen


def with_default_groups(plan: Plan, seen: Seen, desired: Sequence[Desired]) -> Plan:
    """The plan, which says of default groups what is absent, what stays apart, and what is odd."""
    return replace(
        plan,
        absent=tuple(each for each in desired if each.global_id in seen.absent),
        parted=tuple(each for each in desired if each.global_id in seen.parted),
        unfit={**plan.unfit, **seen.apart},
        odd=(*plan.odd, *seen.odd),
    )


def _ids(entries: Sequence[Desired]) -> list[str]:
    return [each.global_id for each in entries]


def _there(observed: Mapping[str, Sequence[Replica]]) -> dict[Any, list[Replica]]:
    found: dict[Any, list[Replica]] = {}
    for replica in observed.get(GROUP.name, ()):
        key = GROUP.natural(replica.item)
        if key is not None:
            found.setdefault(key, []).append(replica)
    return found


def _is_of(replica: Replica, entry: Desired, places: Mapping[str, str], *, wanted: bool) -> bool:
    """Whether it is known to be the entry's: by its marks, or by the map, since they became one.

    At a site that could not be asked then, the map knows only that it was shown as one with it.
    """
    if replica.marks is not None:
        return replica.marks.global_id == entry.global_id
    return wanted and places.get(entry.global_id) == replica.local_id


def _parts(desired: Sequence[Desired]) -> dict[str, list[Desired]]:
    found: dict[str, list[Desired]] = {}
    for entry in desired:
        if entry.kind == RULE.name:
            for whole in wholes(entry):
                found.setdefault(whole, []).append(entry)
    return found


def _said(observed: Mapping[str, Sequence[Replica]]) -> dict[str, list[Mapping[str, Any]]]:
    """The ID of a group as it is shown -> its rules."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for replica in observed.get(RULE.name, ()):
        found.setdefault(str(replica.item.get(_WHOLE)), []).append(replica.item)
    return found


def _says_no_more(
    replica: Replica,
    rules: Mapping[str, Sequence[Mapping[str, Any]]],
    entry: Desired,
    parts: Collection[Desired],
) -> bool:
    """Whether a group has just the rules that Neutron wrote, or those that are wanted."""
    own = str(replica.item["id"])
    said = {RULE.natural(_as_if(item, own, entry.global_id)) for item in rules.get(own, ())}
    wanted = {RULE.natural(part.spec) for part in parts}
    return said in (wanted, born_with(entry.global_id))


def born_with(group: str) -> set[Any]:
    """What the rules say that Neutron gives a default group of this ID."""
    rules = [
        {_WHOLE: group, "ethertype": ethertype, "direction": direction, "remote_group_id": remote}
        for ethertype in ("IPv4", "IPv6")
        for direction, remote in (("egress", None), ("ingress", group))
    ]
    return {RULE.natural(rule) for rule in rules}


def _as_if(item: Mapping[str, Any], own: str, called: str) -> dict[str, Any]:
    return {name: called if value == own else value for name, value in item.items()}


def _all_of(
    entry: Desired,
    desired: Sequence[Desired],
    rules: Mapping[str, Sequence[Desired]],
    site: str,
) -> list[Desired]:
    """A group, its rules, and what these name, at one more site; parts first."""
    known = {each.global_id: each for each in desired if not each.deleted}
    found: dict[str, Desired] = {}
    todo = [entry]
    while todo:
        each = todo.pop()
        if each.global_id in found:
            continue
        found[each.global_id] = each
        for part in [part for part in rules.get(each.global_id, ()) if not part.deleted]:
            found[part.global_id] = part
            named = (part.spec.get("remote_group_id"), part.spec.get("remote_address_group_id"))
            todo += [known[str(ref)] for ref in named if str(ref) in known]
    order = sorted(found.values(), key=lambda each: each.kind != RULE.name)
    return [at_more_sites(each, {site}) for each in order if site not in each.sites]
