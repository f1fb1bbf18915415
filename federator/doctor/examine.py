"""Runs all checks of `federator.doctor.checks` on a site."""

from importlib import import_module
from pkgutil import iter_modules

from adapters.errors import FederationError
from federator.doctor import checks
from federator.doctor.patient import Check, Finding, Patient, wrong


def all_checks() -> list[Check]:
    """Those of all files, in order of their names."""
    names = sorted(info.name for info in iter_modules(checks.__path__, checks.__name__ + "."))
    return [import_module(name).check for name in names]


async def examine(patient: Patient) -> list[Finding]:
    """What all checks find; what several of them find is said once."""
    found: dict[Finding, None] = {}
    for check in all_checks():
        try:
            async for finding in check(patient):
                found[finding] = None
        except FederationError as error:
            cure = "see the reasons in docs/operators.md, Troubleshooting"
            found[wrong(getattr(error, "reason", str(error)), cure)] = None
    return list(found)
