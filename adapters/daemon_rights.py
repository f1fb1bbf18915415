"""What the gateway's account may do at Neutron where things span sites: every call of the daemons. Data.

Neutron looks at the right to change an object only if there is one, so these cannot be tried without changing
something; but for `TRIAL`, which needs what only admins have. The lists that daemons read are among those of
`adapters.rights`.
"""

from adapters.rights import Right

_NETWORK = "a replica, with its VLAN ID"
_REPLICA = "a replica"
_TAGS = "the marks of a replica"
_FENCE = "what is known of a subnet's addresses"
_MAC = "an interface, what stands for a port of another site, with its MAC, or keeps an address that moves"
_GONE = "one that has not become an interface, or stands for a port that is gone"
_MEMBERS = "addresses that come and go"
_RULES = "rules of a QoS policy"
_SORTS = (
    "bandwidth_limit",
    "dscp_marking",
    "minimum_bandwidth",
    "minimum_packet_rate",
    "packet_rate_limit",
)

TRIAL = Right(
    "network",
    "POST",
    "/v2.0/networks",
    "create_network:provider:segmentation_id",
    _NETWORK,
    trial="/v2.0/networks",
    body={
        "network": {
            "name": "federator-site-check",
            "provider:network_type": "vlan",
            "provider:physical_network": "federator-site-check",
            "provider:segmentation_id": 1,
        }
    },
)


def _right(method: str, path: str, rule: str, why: str = _REPLICA) -> Right:
    return Right("network", method, f"/v2.0{path}", rule, why)


DAEMONS = (
    TRIAL,
    _right("PUT", "/networks/{id}", "update_network:provider:segmentation_id", _NETWORK),
    _right("DELETE", "/networks/{id}", "delete_network"),
    _right("PUT", "/networks/{id}/tags", "update_networks_tags", _TAGS),
    _right("POST", "/segments", "create_segment", "a VLAN for a network that OVN carries"),
    _right(
        "POST",
        "/network_segment_ranges",
        "create_network_segment_range",
        "VLAN IDs that are nobody else's",
    ),
    _right("POST", "/subnets", "create_subnet"),
    _right("PUT", "/subnets/{id}", "update_subnet", "a replica; its part of the addresses"),
    _right("DELETE", "/subnets/{id}", "delete_subnet"),
    _right("PUT", "/subnets/{id}/tags", "update_subnets_tags", _TAGS),
    _right("PUT", "/subnets/{id}/tags/{tag}", "update_subnets_tags", _FENCE),
    _right("DELETE", "/subnets/{id}/tags/{tag}", "delete_subnets_tags", _FENCE),
    _right(
        "GET",
        "/network-ip-availabilities/{id}",
        "get_network_ip_availability",
        "whether all ports of a subnet are seen",
    ),
    _right("POST", "/routers", "create_router"),
    _right("PUT", "/routers/{id}", "update_router"),
    _right("DELETE", "/routers/{id}", "delete_router"),
    _right("PUT", "/routers/{id}/tags", "update_routers_tags", _TAGS),
    _right("PUT", "/routers/{id}/add_extraroutes", "add_extraroutes", "routes of a router"),
    _right("PUT", "/routers/{id}/remove_extraroutes", "remove_extraroutes", "routes of a router"),
    _right("POST", "/ports", "create_port:mac_address", _MAC),
    _right("PUT", "/ports/{id}", "update_port:mac_address", _MAC),
    _right("DELETE", "/ports/{id}", "delete_port", _GONE),
    _right("PUT", "/ports/{id}/tags", "update_ports_tags", _TAGS),
    _right("PUT", "/routers/{id}/add_router_interface", "add_router_interface", "an interface"),
    _right(
        "PUT", "/routers/{id}/remove_router_interface", "remove_router_interface", "an interface"
    ),
    _right("POST", "/security-groups", "create_security_group"),
    _right("PUT", "/security-groups/{id}", "update_security_group"),
    _right("DELETE", "/security-groups/{id}", "delete_security_group"),
    _right("PUT", "/security-groups/{id}/tags", "update_security_groups_tags", _TAGS),
    _right("POST", "/security-group-rules", "create_security_group_rule"),
    _right("DELETE", "/security-group-rules/{id}", "delete_security_group_rule"),
    _right("POST", "/address-groups", "default"),
    _right("PUT", "/address-groups/{id}", "default"),
    _right("DELETE", "/address-groups/{id}", "default"),
    _right("PUT", "/address-groups/{id}/add_addresses", "default", _MEMBERS),
    _right("PUT", "/address-groups/{id}/remove_addresses", "default", _MEMBERS),
    _right("POST", "/qos/policies", "create_policy"),
    _right("PUT", "/qos/policies/{id}", "update_policy"),
    _right("DELETE", "/qos/policies/{id}", "delete_policy"),
    _right("PUT", "/policies/{id}/tags", "update_policies_tags", _TAGS),
    *(
        _right(
            method,
            f"/qos/policies/{{id}}/{sort}_rules{one}",
            f"{verb}_policy_{sort}_rule",
            _RULES,
        )
        for sort in _SORTS
        for method, one, verb in (
            ("POST", "", "create"),
            ("PUT", "/{id}", "update"),
            ("DELETE", "/{id}", "delete"),
        )
    ),
)
