"""What a request acts on and how, in the words of CADF: type and ID of the target, the action. Pure.

As keystonemiddleware's audit does it: the type is made of the words of the path, the action of the method.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import unquote

from adapters.spec import Service
from federator.call import Call
from federator.route import plain_path, route, service_of
from federator.secrets import harmless

IDENTITY_TYPE = "service/security"
USER_TYPE = "service/security/account/user"
FEDERATION_TYPE = "service/federation"

_ACTIONS = {
    "GET": "read",
    "HEAD": "read",
    "POST": "create",
    "PUT": "update",
    "PATCH": "update",
    "DELETE": "delete",
}

_WORDS = frozenset(
    {
        "OS-EC2", "OS-EP-FILTER", "OS-FEDERATION", "OS-INHERIT", "OS-OAUTH1", "OS-OAUTH2", "OS-TRUST",
        "access_rules", "application_credentials", "auth", "catalog", "config", "credentials", "domains",
        "ec2tokens", "endpoint_groups", "endpoints", "groups", "identity_providers", "ids",
        "inherited_to_projects", "limits", "mappings", "password", "policies", "projects", "protocols",
        "regions", "registered_limits", "role_assignments", "role_inferences", "roles", "saml2",
        "service_providers", "services", "sites", "system", "tags", "tokens", "trusts", "users", "websso",
        "whoami",
    }
)  # fmt: skip
"""Words of paths of Keystone and of our own API; everything else there is an ID or a name."""


_ACTS = frozenset({"pause", "resume"})
"""Last words of paths of our own API that say what is done to the thing before them."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a request acts on."""

    type_uri: str
    id: str
    action: str
    call: Call | None = None
    """The request, understood, if it is one for a service of sites."""
    is_login: bool = False


def target_of(
    services: Iterable[Service], method: str, raw_path: str, project_id: str | None
) -> Target | None:
    """The target of a request; None if it is for no service at all."""
    plain = plain_path(raw_path) or raw_path
    if _below(plain, "/identity"):
        return _of_words(IDENTITY_TYPE, method, plain.split("/")[2:])
    if _below(plain, "/federation"):
        return _of_words(FEDERATION_TYPE, method, plain.split("/")[2:])
    found = service_of(services, plain)
    if found is None:
        return None
    service, rest = found
    call = route(service, method, rest, project_id=project_id)
    return of_call(call) if call is not None else _undeclared(service, method, rest)


def of_call(call: Call) -> Target:
    """The target of a request to a service that has been understood."""
    ids = [value for _, value in call.path_ids]
    if call.resource is None:
        target = _undeclared(call.service, call.method, call.path)
        return replace(target, id="".join(ids[-1:]), call=call)
    base, method = _base(call.service), call.method
    words = [part for part in call.resource.path.split("/") if part and "{" not in part]
    action = _action(method)
    if call.is_list and action == "read":
        action = "read/list"
    elif method == "POST" and not call.is_create:
        action = "update"
    return Target("/".join([base, *words]), call.object_id or "".join(ids[-1:]), action, call)


def _undeclared(service: Service, method: str, path: str) -> Target:
    word = next((p for p in path.split("/")[1:] if p.replace("-", "").isalpha()), "")
    base = _base(service)
    return Target(f"{base}/{harmless(word)[:64]}" if word else base, "", _action(method))


def _base(service: Service) -> str:
    return f"service/{service.taxonomy or service.type}"


def _of_words(base: str, method: str, parts: list[str]) -> Target:
    parts = [part for part in parts if part]
    if base == FEDERATION_TYPE and method == "POST" and parts[-1:] and parts[-1] in _ACTS:
        did = f"update/{parts[-1]}"
        return replace(_of_words(base, "PUT", parts[:-1]), action=did)
    words = [part for part in parts if part in _WORDS]
    values = [part for part in parts[1:] if part not in _WORDS and part != "auth"]
    is_login = parts[-1:] == ["auth"] or "websso" in parts
    is_login = is_login or (method == "POST" and parts[1:] == ["auth", "tokens"])
    action = _action(method)
    if is_login:
        return Target(USER_TYPE, "", "authenticate", is_login=True)
    if parts[1:] == ["auth", "tokens"] and method == "DELETE":
        action = "revoke"
    elif (
        action == "read" and parts[-1:] == words[-1:] and words[-1:] not in (["tokens"], ["whoami"])
    ):
        action = "read/list"
    target = harmless(unquote(values[-1])) if values else ""
    return Target("/".join([base, *words]), target, action)


def _action(method: str) -> str:
    return _ACTIONS.get(method, "unknown")


def _below(path: str, root: str) -> bool:
    return path == root or path.startswith(root + "/")
