"""What the gateway's account may do: every call it makes, and the policy rule that allows it. Data.

The documentation lists these, `federator site check` tries them (`Right.trial`, `Right.body`), and a
test compares them with the calls in the source.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from adapters.spec import Merge, Service

NOBODY = "00000000000000000000000000000000"
"""An ID that nothing has."""

MAPPING = frozenset({"k2k", "oidc"})
"""The strategies that use the groups of the mapping."""
USERS = frozenset({"mapped"})
"""Those that make users."""


@dataclass(frozen=True, slots=True)
class Right:
    """One call of the account.

    A trial changes nothing: what it would make has a name that is taken or belongs into a domain
    that is not there, and what it would give is had already. 401 and 403 say that the right is
    missing, everything else that it is there: Keystone looks at the right first.
    """

    service: str
    method: str
    path: str
    """Below the service's root, as in the documentation: with braces and without query."""
    rule: str
    """The policy rule, by its name in the newest release; the older ones have it too."""
    why: str
    trial: str = ""
    """Path and query of a harmless call with the same right; `Myself` fills the braces."""
    body: Mapping[str, Any] | None = None
    strategies: frozenset[str] = frozenset()
    """The strategies that need it; empty: all that have something made at the site."""
    microversion: str | None = None
    optional: bool = False
    """Without it something is less exact, and nothing fails."""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


_GRANT = "/v3/projects/{project_id}/users/{user_id}/roles/{role_id}"

SITE = (
    Right(
        "identity",
        "GET",
        "/v3/domains",
        "identity:list_domains",
        "the domain of a home project; that of groups or users",
        trial="/v3/domains?name={nobody}",
    ),
    Right(
        "identity",
        "POST",
        "/v3/domains",
        "identity:create_domain",
        "the domain of a home project, if it is not there",
        trial="/v3/domains",
        body={"domain": {"name": "{project_domain_name}"}},
    ),
    Right(
        "identity",
        "GET",
        "/v3/projects",
        "identity:list_projects",
        "by name, by tag",
        trial="/v3/projects?name={nobody}",
    ),
    Right(
        "identity",
        "POST",
        "/v3/projects",
        "identity:create_project",
        "at the first login for a home project; with two tags",
        trial="/v3/projects",
        body={"project": {"name": "{project_name}", "domain_id": "{project_domain_id}"}},
    ),
    Right(
        "identity",
        "GET",
        "/v3/roles",
        "identity:list_roles",
        "the roles `admin`, `manager`, `member`, `reader`",
        trial="/v3/roles?name={nobody}",
    ),
    Right(
        "identity",
        "GET",
        "/v3/role_inferences",
        "identity:list_role_inference_rules",
        "what a site token may contain; without the right the usual chain is assumed",
        trial="/v3/role_inferences",
        optional=True,
    ),
    Right(
        "identity",
        "GET",
        "/v3/groups",
        "identity:list_groups",
        "`fed:<domain>:<project>:<role>`",
        trial="/v3/groups?name={nobody}",
        strategies=MAPPING,
    ),
    Right(
        "identity",
        "POST",
        "/v3/groups",
        "identity:create_group",
        "the same, at the first login with a role",
        trial="/v3/groups",
        body={"group": {"name": "federator-site-check", "domain_id": "{nobody}"}},
        strategies=MAPPING,
    ),
    Right(
        "identity",
        "HEAD",
        "/v3/projects/{project}/groups/{group}/roles/{role}",
        "identity:check_grant",
        "whether the group has its role",
        trial=_GRANT,
        strategies=MAPPING,
    ),
    Right(
        "identity",
        "PUT",
        "/v3/projects/{project}/groups/{group}/roles/{role}",
        "identity:create_grant",
        "its role on the project, at the first login",
        trial=_GRANT,
        strategies=MAPPING,
    ),
    Right(
        "identity",
        "GET",
        "/v3/users",
        "identity:list_users",
        "rebuild: the users who stand for those of home; the same at their first login (`mapped`)",
        trial="/v3/users?name={nobody}",
    ),
    Right(
        "identity",
        "POST",
        "/v3/users",
        "identity:create_user",
        "at the first login of a home user with a set of roles",
        trial="/v3/users",
        body={"user": {"name": "federator-site-check", "domain_id": "{nobody}"}},
        strategies=USERS,
    ),
    Right(
        "identity",
        "PATCH",
        "/v3/users/{user}",
        "identity:update_user",
        "a new name after one at home; the password, if it is refused",
        trial="/v3/users/{nobody}",
        body={"user": {"description": "federator-site-check"}},
        strategies=USERS,
    ),
    Right(
        "identity",
        "HEAD",
        "/v3/projects/{project}/users/{user}/roles/{role}",
        "identity:check_grant",
        "whether the user has the role",
        trial=_GRANT,
        strategies=USERS,
    ),
    Right(
        "identity",
        "PUT",
        "/v3/projects/{project}/users/{user}/roles/{role}",
        "identity:create_grant",
        "the roles on the project, at the first login",
        trial=_GRANT,
        strategies=USERS,
    ),
    Right(
        "compute",
        "GET",
        "/v2.1/os-keypairs",
        "os_compute_api:os-keypairs:index",
        "rebuild: the keypairs of these users (`?user_id=`)",
        trial="/v2.1/os-keypairs?user_id={nobody}",
        microversion="2.10",
    ),
    Right(
        "compute",
        "DELETE",
        "/v2.1/os-keypairs/{name}",
        "os_compute_api:os-keypairs:delete",
        "a tenant deletes a keypair (`?user_id=`)",
        trial="/v2.1/os-keypairs/federator-site-check?user_id={nobody}",
        microversion="2.10",
    ),
    Right(
        "compute",
        "GET",
        "/v2.1/os-quota-class-sets/default",
        "os_compute_api:os-quota-class-sets:show",
        "site check: the default quotas",
        trial="/v2.1/os-quota-class-sets/default",
        optional=True,
    ),
    Right(
        "block-storage",
        "GET",
        "/v3/{project_id}/os-quota-class-sets/default",
        "volume_extension:quota_classes:get",
        "site check: the default quotas",
        trial="/v3/{project_id}/os-quota-class-sets/default",
        optional=True,
    ),
    Right(
        "network",
        "GET",
        "/v2.0/quotas/{project_id}/default",
        "get_quota",
        "site check: the default quotas, and how many routes a router may have",
        trial="/v2.0/quotas/{project_id}/default",
        optional=True,
    ),
    Right(
        "network",
        "GET",
        "/v2.0/networks",
        "get_network",
        "site check: what MTU networks have; as in the lists below",
        trial="/v2.0/networks?limit=1",
        optional=True,
    ),
    Right(
        "network",
        "GET",
        "/v2.0/ports",
        "get_port",
        "site check: how MAC addresses begin; as in the lists below",
        trial="/v2.0/ports?limit=1",
        optional=True,
    ),
    Right(
        "network",
        "GET",
        "/v2.0/network_segment_ranges",
        "get_network_segment_range",
        "site check: which VLAN IDs tenants get; as in the lists below",
        trial="/v2.0/network_segment_ranges",
        optional=True,
    ),
)

HOME = (
    Right(
        "identity",
        "GET",
        "/v3/domains",
        "identity:list_domains",
        "rebuild: the domains of users; the table of projects",
        trial="/v3/domains?name={nobody}",
    ),
    Right(
        "identity",
        "GET",
        "/v3/users",
        "identity:list_users",
        "rebuild: whose users at the sites are",
        trial="/v3/users?name={nobody}",
    ),
    Right(
        "identity",
        "GET",
        "/v3/projects",
        "identity:list_projects",
        "rebuild: the table of projects",
        trial="/v3/projects?name={nobody}",
    ),
)

LISTS = {
    "compute": "os_compute_api:servers:index:get_all_tenants and the like",
    "block-storage": "context_is_admin",
    "image": "context_is_admin",
    "network": "context_is_admin",
    "placement": "placement:resource_providers:list",
}
"""Service type -> the rule by which its lists show everything, of all projects."""


EXTENSIONS = {"compute": "os_compute_api:extensions"}
"""Service type -> the rule for its list of extensions; the others show it to every token."""


def extensions(services: Mapping[str, Service]) -> Iterator[Right]:
    """The lists of extensions: which of them all sites have."""
    for service in services.values():
        project = "/{project_id}" if service.project_in_path else ""
        for resource in service.resources:
            if resource.merge is Merge.INTERSECT:
                path = f"{service.version}{project}{resource.path}"
                rule = EXTENSIONS.get(service.type, "of the list")
                why = "which extensions all sites have"
                yield Right(service.type, "GET", path, rule, why, trial=path, optional=True)


def lists(services: Mapping[str, Service]) -> Iterator[Right]:
    """What the rebuild of the ID map reads: the lists of everything, of all projects."""
    for service in services.values():
        project = "/{project_id}" if service.project_in_path else ""
        for resource in service.resources:
            if resource.index:
                path = f"{service.version}{project}{resource.index}"
                limit = f"{'&' if '?' in path else '?'}limit=1" if resource.order else ""
                rule = LISTS.get(service.type, "of the list")
                yield Right(
                    service.type,
                    "GET",
                    path.partition("?")[0],
                    rule,
                    f"rebuild: all {resource.keys}",
                    trial=path + limit,
                    microversion={"compute": "2.61", "block-storage": "3.0"}.get(service.type),
                )
