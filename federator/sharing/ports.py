"""Which requests change the ports of a site: those of other sites have to know. Pure.

Nova makes and deletes ports a moment after it has answered; the daemon looks for a while (`sync.daemon`).
"""

from federator.call import Call

_ACTIONS = frozenset({"addSecurityGroup", "forceDelete", "removeSecurityGroup"})
"""What changes a server's ports, or lets go of them."""


def changes_ports(call: Call) -> bool:
    """Whether ports may be others after this than before it."""
    if call.method not in ("POST", "PUT", "DELETE") or call.resource is None:
        return False
    match call.resource.kind:
        case "port":
            return not call.tail
        case "server" if call.is_action:
            return isinstance(call.body, dict) and not _ACTIONS.isdisjoint(call.body)
        case "server":
            return not call.tail and call.method != "PUT"
        case kind:
            return kind == "interfaceAttachment"
