"""What can never be at a site as it is now, and why. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from idmap.desired import Desired
from sync.driver import Ground, Unfit
from sync.kind import Kind
from sync.plan import Create, Plan


def without_unfit(
    plan: Plan,
    kinds: Sequence[Kind],
    ground: Ground,
    desired: Sequence[Desired],
    unknown: Collection[str],
) -> Plan:
    """The plan without what cannot be done, which it says instead.

    `unknown` are the kinds that the Neutron of the site does not know.
    """
    unfit = {
        each.global_id: f"the Neutron of {plan.site} has no {each.kind.replace('_', ' ')}"
        for each in desired
        if plan.site in each.sites and not each.deleted and each.kind in unknown
    }
    births = [each for each in plan.changes if isinstance(each, Create)]
    try:
        _ = ground.driver
    except Unfit as error:
        # Nothing leads here from other sites.
        names = {kind.name for kind in kinds if kind.stretch is not None}
        come = [each.desired for each in births if each.desired.anchor != plan.site]
        unfit |= {each.global_id: str(error) for each in come if each.kind in names}
    hopeless = [each for each in births if each.desired.global_id in unfit]
    changes = tuple(each for each in plan.changes if each not in hopeless)
    return replace(plan, changes=changes, unfit={**plan.unfit, **unfit})
