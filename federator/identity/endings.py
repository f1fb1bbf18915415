"""Which requests to home end logins, or make them worth less: told from method and path alone.

    DELETE auth/tokens                                that token
    users/{id}, its password, its credentials         that user
    roles of a user, members of a group               that user
    projects/{id}, roles of a group there             that project
    whole domains, groups, roles, what roles imply    anything

Looked at only after home has said that it is done. One that is missing here costs `revalidate_seconds`.
"""

import re

from adapters.endings import Ending, What

_ID = r"([^/]+)"
_ENDS = tuple(
    (frozenset(methods.split()), re.compile(rf"/v3/{path}"), what)
    for methods, path, what in (
        ("POST", rf"users/{_ID}/password", What.USER),
        ("PATCH DELETE", rf"users/{_ID}", What.USER),
        ("DELETE", rf"users/{_ID}/application_credentials/[^/]+", What.USER),
        ("PUT DELETE", rf"groups/[^/]+/users/{_ID}", What.USER),
        ("PUT DELETE", rf"(?:projects|domains)/[^/]+/users/{_ID}/roles/[^/]+", What.USER),
        ("PUT DELETE", rf"system/users/{_ID}/roles/[^/]+", What.USER),
        (
            "PUT DELETE",
            rf"OS-INHERIT/(?:projects|domains)/[^/]+/users/{_ID}/roles/.+",
            What.USER,
        ),
        ("PATCH DELETE", rf"projects/{_ID}", What.PROJECT),
        ("PUT DELETE", rf"projects/{_ID}/groups/[^/]+/roles/[^/]+", What.PROJECT),
        ("PATCH DELETE", r"(domains|groups|roles)/[^/]+", What.ANYTHING),
        ("PUT DELETE", r"domains/([^/]+)/groups/[^/]+/roles/[^/]+", What.ANYTHING),
        ("PUT DELETE", r"(OS-INHERIT)/.+", What.ANYTHING),
        ("PUT DELETE", r"roles/([^/]+)/implies/[^/]+", What.ANYTHING),
    )
)


def ended_by(method: str, path: str, subject_token: str) -> Ending | None:
    """What a request has ended that home answered with success; `path` is plain and begins with the version."""
    if path == "/v3/auth/tokens":
        return Ending.of_token(subject_token) if method == "DELETE" else None
    for methods, pattern, what in _ENDS:
        if method in methods and (found := pattern.fullmatch(path)):
            return Ending(what, "" if what is What.ANYTHING else found[1])
    return None
