"""The rights on our own API: which there are, who has them by default, and what they are for.

As everywhere in OpenStack a reader of a project may look, a member may change things, an admin sees and
changes what is nobody's project. There is nothing of a project to be changed yet, so a member may do what a
reader may. The texts go into the sample, `deploy/policy.yaml`.
"""

from oslo_policy.policy import DocumentedRuleDefault, Operation, RuleDefault

LIST_SITES = "federation:list_sites"
GET_SITE = "federation:get_site"
GET_SITE_INTERNALS = "federation:get_site_internals"
PAUSE_SITE = "federation:pause_site"
RESUME_SITE = "federation:resume_site"
GET_ID = "federation:get_id"
GET_LOCAL_IDS = "federation:get_local_ids"
GET_WHOAMI = "federation:get_whoami"
GET_REPLICAS = "federation:get_replicas"
LIST_REPLICAS = "federation:list_replicas"

_READER_OR_ADMIN = "rule:project_reader or rule:project_member or rule:context_is_admin"
_ADMIN = "rule:context_is_admin"
_SITES = Operation(method="GET", path="/federation/v1/sites")
_SITE = Operation(method="GET", path="/federation/v1/sites/{site}")
_PAUSE = Operation(method="POST", path="/federation/v1/sites/{site}/pause")
_RESUME = Operation(method="POST", path="/federation/v1/sites/{site}/resume")
_ID = Operation(method="GET", path="/federation/v1/ids/{id}")
_REPLICAS = Operation(method="GET", path="/federation/v1/replicas/{id}")
_ALL_REPLICAS = Operation(method="GET", path="/federation/v1/replicas")
_WHOAMI = Operation(method="GET", path="/federation/v1/whoami")

RULES: tuple[RuleDefault, ...] = (
    RuleDefault("context_is_admin", "role:admin", "An administrator."),
    RuleDefault(
        "project_member",
        "role:member and project_id:%(project_id)s",
        "Somebody who may change things of a project.",
    ),
    RuleDefault(
        "project_reader",
        "role:reader and project_id:%(project_id)s",
        "Somebody who may look at things of a project.",
    ),
    DocumentedRuleDefault(
        LIST_SITES,
        _READER_OR_ADMIN,
        "List the sites: what their services can do, and whether this login can use them.",
        [_SITES],
        scope_types=["project"],
    ),
    DocumentedRuleDefault(
        GET_SITE,
        _READER_OR_ADMIN,
        "Show one site, and what its services can do beside what the federation offers.",
        [_SITE],
        scope_types=["project"],
    ),
    DocumentedRuleDefault(
        GET_SITE_INTERNALS,
        _ADMIN,
        "See the URLs of a site, what it failed with last, and how complete its ID map is.",
        [_SITES, _SITE],
        scope_types=["project"],
    ),
    DocumentedRuleDefault(
        PAUSE_SITE,
        _ADMIN,
        "Take a site out of use for a while.",
        [_PAUSE],
        scope_types=["project"],
    ),
    DocumentedRuleDefault(
        RESUME_SITE,
        _ADMIN,
        "Take a paused site into use again.",
        [_RESUME],
        scope_types=["project"],
    ),
    DocumentedRuleDefault(
        GET_ID,
        _READER_OR_ADMIN,
        "Look up at which sites an ID lives.",
        [_ID],
        scope_types=["project"],
    ),
    DocumentedRuleDefault(
        GET_LOCAL_IDS,
        _ADMIN,
        "See the sites' own IDs, and look up projects and users of others.",
        [_ID, _WHOAMI, _REPLICAS, _ALL_REPLICAS],
        scope_types=["project"],
    ),
    DocumentedRuleDefault(
        GET_REPLICAS,
        _READER_OR_ADMIN,
        "See how the replicas are of something that spans sites.",
        [_REPLICAS],
        scope_types=["project"],
    ),
    DocumentedRuleDefault(
        LIST_REPLICAS,
        _ADMIN,
        "See how everything is that spans sites, of all projects.",
        [_ALL_REPLICAS],
        scope_types=["project"],
    ),
    DocumentedRuleDefault(
        GET_WHOAMI,
        "@",
        "See whose token this is, and at which sites it is in use.",
        [_WHOAMI],
    ),
)


def list_rules() -> tuple[RuleDefault, ...]:
    """For ``oslopolicy-sample-generator --namespace federator`` and its sisters."""
    return RULES
