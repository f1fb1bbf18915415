"""What the mapping at the sites does with a login (deploy/k2k/mapping.json), said once more. Pure.

A login of user U of domain UD, for project P of domain D with roles R, becomes at every site the
user ``U@UD`` in the groups ``fed:D:P:R``. Only the grants of the groups give rights there. Change
one side and the other has to follow; a test compares them.
"""

import re
from collections.abc import Iterable, Mapping

from adapters.errors import ExchangeRefused, NameNotCarried, NotScoped
from adapters.identity import Identity
from adapters.sites import Site

ROLES = ("admin", "manager", "member", "reader")
"""The roles that are known at sites, highest first: each implies those after it."""

GROUP_LENGTH = 64
"""Keystone's limit for the name of a group."""

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")

_RULE = "only 1 to 64 of A-Z a-z 0-9 . _ - can be told to a site unchanged; rename it at home"


def carried_roles(identity: Identity, site: Site) -> tuple[str, ...]:
    """`counted_roles` of a login whose names can be put into an assertion and a group unchanged.

    Raises NotScoped, NameNotCarried, and ExchangeRefused if no role remains.
    """
    if identity.project_id is None:
        raise NotScoped("the token is not scoped to a project")
    _check_names(identity, site, _counted(identity, site))
    return counted_roles(identity, site)


def counted_roles(identity: Identity, site: Site) -> tuple[str, ...]:
    """Those roles of a login that it gets at `site`, highest first.

    Raises NotScoped, and ExchangeRefused if no role remains.
    """
    if identity.project_id is None:
        raise NotScoped("the token is not scoped to a project")
    roles = _counted(identity, site)
    if not roles:
        had = ", ".join(sorted(identity.roles)) or "none"
        known = ", ".join(ROLES if site.federation.admin else ROLES[1:])
        raise ExchangeRefused(
            site.name, f"of this login's roles ({had}) it knows none: {known}", 403
        )
    return roles


def carries(name: str) -> bool:
    """Whether a name of a user, project or domain can be put into an assertion unchanged."""
    return _NAME.fullmatch(name) is not None


def group_name(identity: Identity, role: str) -> str:
    """The group of `group_domain` that has `role` on the project of this login."""
    return f"fed:{identity.project_domain_name}:{identity.project_name}:{role}"


def user_name(identity: Identity) -> str:
    """The name of this login's user at every site."""
    return f"{identity.user_name}@{identity.user_domain_name}"


def home_user(name: str) -> tuple[str, str] | None:
    """The home user (name, domain name) behind a user name of a site, if it is such a name."""
    user, at, domain = name.partition("@")
    return (user, domain) if at and _NAME.fullmatch(user) and _NAME.fullmatch(domain) else None


def closure(roles: Iterable[str], implied: Mapping[str, Iterable[str]]) -> frozenset[str]:
    """`roles` and all they imply, directly or not."""
    found: set[str] = set()
    todo = list(roles)
    while todo:
        role = todo.pop()
        if role not in found:
            found.add(role)
            todo.extend(implied.get(role, ()))
    return frozenset(found)


def _counted(identity: Identity, site: Site) -> tuple[str, ...]:
    return tuple(
        role
        for role in ROLES
        if role in identity.roles and (role != "admin" or site.federation.admin)
    )


def _check_names(identity: Identity, site: Site, roles: Iterable[str]) -> None:
    names = {
        "user": identity.user_name,
        "user domain": identity.user_domain_name,
        "project": identity.project_name or "",
        "project domain": identity.project_domain_name or "",
    }
    for what, name in names.items():
        if not carries(name):
            raise NameNotCarried(site.name, f"the name of the {what} is {name!r}; {_RULE}")
    for role in roles:
        group = group_name(identity, role)
        if len(group) > GROUP_LENGTH:
            raise NameNotCarried(
                site.name,
                f"project {identity.project_name!r} of domain {identity.project_domain_name!r}: "
                f"both names together are {len(group) - GROUP_LENGTH} characters too long for a "
                f"group at a site ({group!r}, at most {GROUP_LENGTH})",
            )
