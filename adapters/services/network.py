"""Neutron: networks, addresses, routers and what filters and shapes their traffic.

Opaque by decision: ``segmentation_id`` (a VLAN), host names, the ``binding:*`` fields (between Nova and the
agents of one site), ``resource_request`` (inputs for Placement). A ``device_id`` is an ID only where it is
shaped like one: the text that DHCP agents write there stays.
"""

from adapters.spec import ANY, PROJECT, ZONE, By, Ids, Merge, Plug, Refs, Resource, Service

_OWNER = {"project_id": PROJECT, "tenant_id": PROJECT}
_ZONES = {"availability_zone_hints[]": ZONE, "availability_zones[]": ZONE}
_BY_ID = ("id:asc",)
_KEPT = ("name", "project_id", "created_at", "updated_at")

NETWORK = Resource(
    path="/networks",
    key="network",
    keys="networks",
    refs={
        **_OWNER,
        **_ZONES,
        "subnets[]": "subnet",
        "qos_policy_id": "policy",
        "ipv4_address_scope": "address_scope",
        "ipv6_address_scope": "address_scope",
    },
    opaque=frozenset({"provider:segmentation_id", "segments[].provider:segmentation_id"}),
    order=_BY_ID,
    index="/networks",
    kept=(
        *_KEPT,
        "status",
        "admin_state_up",
        "subnets",
        "shared",
        "router:external",
        "mtu",
        "port_security_enabled",
    ),
    owner="project_id",
    # Not the external ones: which projects may see one is not told by the network itself.
    everybodys_if={"shared": True},
    equal_by=("name",),
    equal_if={"router:external": True},
    synced=(
        "name",
        "description",
        "admin_state_up",
        "port_security_enabled",
        "mtu",
        "dns_domain",
        "qos_policy_id",
    ),
    born=("project_id",),
    tagged=True,
)

SUBNET = Resource(
    path="/subnets",
    key="subnet",
    keys="subnets",
    refs={
        **_OWNER,
        "network_id": "network",
        "subnetpool_id": "subnetpool",
        "segment_id": "segment",
    },
    order=_BY_ID,
    index="/subnets",
    kept=(
        *_KEPT,
        "network_id",
        "cidr",
        "gateway_ip",
        "ip_version",
        "enable_dhcp",
        "allocation_pools",
        "dns_nameservers",
        "host_routes",
    ),
    owner="project_id",
    # Not the pools: each site has its own part of them (`sync.ipam`).
    synced=("name", "description", "gateway_ip", "enable_dhcp", "dns_nameservers", "host_routes"),
    born=(
        "project_id",
        "network_id",
        "ip_version",
        "cidr",
        "ipv6_ra_mode",
        "ipv6_address_mode",
    ),
    part_of="network_id",
    tagged=True,
)

PORT = Resource(
    path="/ports",
    key="port",
    keys="ports",
    refs={
        **_OWNER,
        "network_id": "network",
        "fixed_ips[].subnet_id": "subnet",
        "security_groups[]": "security_group",
        "qos_policy_id": "policy",
        "qos_network_policy_id": "policy",
        "device_id": By(
            "device_owner",
            {
                "network:router_interface": "router",
                "network:router_interface_distributed": "router",
                "network:ha_router_replicated_interface": "router",
                "network:router_gateway": "router",
                "network:router_centralized_snat": "router",
                "network:floatingip": "floatingip",
                "trunk:subport": "trunk",
                "compute:nova": "server",
            },
        ),
        "trunk_details.trunk_id": "trunk",
        "trunk_details.sub_ports[].port_id": "port",
    },
    opaque=frozenset(
        {
            "binding:host_id",
            "binding:profile",
            "binding:vif_details",
            "trunk_details.sub_ports[].segmentation_id",
        }
    ),
    order=_BY_ID,
    index="/ports",
    kept=(
        *_KEPT,
        "status",
        "admin_state_up",
        "network_id",
        "mac_address",
        "fixed_ips",
        "device_id",
        "device_owner",
        "security_groups",
    ),
    owner="project_id",
)

ROUTER = Resource(
    path="/routers",
    key="router",
    keys="routers",
    refs={
        **_OWNER,
        **_ZONES,
        "flavor_id": "network_flavor",
        "external_gateway_info.network_id": "network",
        "external_gateway_info.qos_policy_id": "policy",
        "external_gateway_info.external_fixed_ips[].subnet_id": "subnet",
        "external_gateways[].network_id": "network",
        "external_gateways[].qos_policy_id": "policy",
        "external_gateways[].external_fixed_ips[].subnet_id": "subnet",
    },
    order=_BY_ID,
    index="/routers",
    kept=(*_KEPT, "status", "admin_state_up", "external_gateway_info", "routes"),
    owner="project_id",
    synced=("name", "description", "admin_state_up", "external_gateway_info", "routes"),
    born=("project_id",),
    tagged=True,
)

_ROUTER_VERBS = (
    *(
        Resource(
            path=f"/routers/{{router}}/{verb}_router_interface",
            key=f"{verb}_router_interface",
            bare=True,
            plug=plug,
            refs={
                **_OWNER,
                "id": "router",
                "port_id": "port",
                "subnet_id": "subnet",
                "subnet_ids[]": "subnet",
                "network_id": "network",
            },
        )
        for verb, plug in (("add", Plug.IN), ("remove", Plug.OUT))
    ),
    *(
        Resource(
            path=f"/routers/{{router}}/{verb}",
            key="router",
            kind=f"router_{verb}",
            refs={"id": "router", **ROUTER.refs},
        )
        for verb in (
            "add_extraroutes",
            "remove_extraroutes",
            "add_external_gateways",
            "update_external_gateways",
            "remove_external_gateways",
        )
    ),
)

_ADDRESSES = (
    Resource(
        path="/floatingips",
        key="floatingip",
        keys="floatingips",
        refs={
            **_OWNER,
            "floating_network_id": "network",
            "port_id": "port",
            "router_id": "router",
            "subnet_id": "subnet",
            "qos_policy_id": "policy",
            "port_details.network_id": "network",
            "port_details.device_id": ANY,
            "port_forwardings[].id": "port_forwarding",
            "port_forwardings[].internal_port_id": "port",
        },
        order=_BY_ID,
        index="/floatingips",
        kept=(
            *_KEPT[1:],
            "status",
            "floating_ip_address",
            "fixed_ip_address",
            "floating_network_id",
            "port_id",
            "router_id",
        ),
        owner="project_id",
        elsewhere="A floating IP belongs to one site: make one for this port (with its port_id, or with the"
        " header X-Federation-Site).",
    ),
    Resource(
        path="/floatingips/{floatingip}/port_forwardings",
        key="port_forwarding",
        keys="port_forwardings",
        refs={"internal_port_id": "port", "floatingip_id": "floatingip"},
    ),
    Resource(
        path="/floatingip_pools",
        key="floatingip_pool",
        keys="floatingip_pools",
        id_field="",
        refs={**_OWNER, "subnet_id": "subnet", "network_id": "network"},
    ),
    Resource(
        path="/subnetpools",
        key="subnetpool",
        keys="subnetpools",
        refs={**_OWNER, "address_scope_id": "address_scope"},
        order=_BY_ID,
        index="/subnetpools",
    ),
    *(
        Resource(
            path=f"/subnetpools/{{subnetpool}}/{verb}",
            key=f"subnetpool_{verb}",
            bare=True,
        )
        for verb in ("add_prefixes", "remove_prefixes", "onboard_network_subnets")
    ),
    Resource(
        path="/address-scopes",
        key="address_scope",
        keys="address_scopes",
        refs=_OWNER,
        order=_BY_ID,
        index="/address-scopes",
    ),
    Resource(
        path="/address-groups",
        key="address_group",
        keys="address_groups",
        refs=_OWNER,
        order=_BY_ID,
        index="/address-groups",
        synced=("name", "description", "addresses"),
        born=("project_id",),
    ),
    *(
        Resource(
            path=f"/address-groups/{{address_group}}/{verb}_addresses",
            key="address_group",
            kind=f"address_group_{verb}",
            refs={"id": "address_group", **_OWNER},
        )
        for verb in ("add", "remove")
    ),
    Resource(
        path="/network-ip-availabilities",
        key="network_ip_availability",
        keys="network_ip_availabilities",
        id_field="network_id",
        id_kind="network",
        refs={**_OWNER, "subnet_ip_availability[].subnet_id": "subnet"},
        filters={"network_id": "network"},
    ),
    Resource(
        path="/local_ips",
        key="local_ip",
        keys="local_ips",
        refs={**_OWNER, "local_port_id": "port", "network_id": "network"},
        order=_BY_ID,
        index="/local_ips",
    ),
    Resource(
        path="/local_ips/{local_ip}/port_associations",
        key="port_association",
        keys="port_associations",
        kind="local_ip_association",
        id_field="fixed_port_id",
        id_kind="port",
        refs={"local_ip_id": "local_ip"},
    ),
    Resource(
        path="/ndp_proxies",
        key="ndp_proxy",
        keys="ndp_proxies",
        refs={**_OWNER, "router_id": "router", "port_id": "port"},
        order=_BY_ID,
        index="/ndp_proxies",
    ),
    Resource(
        path="/routers/{router}/conntrack_helpers",
        key="conntrack_helper",
        keys="conntrack_helpers",
        refs={"router_id": "router"},
    ),
)

_SECURITY = (
    Resource(
        path="/security-groups",
        key="security_group",
        keys="security_groups",
        refs=_OWNER,
        embeds={"security_group_rules[]": "security_group_rule"},
        order=_BY_ID,
        index="/security-groups",
        kept=(*_KEPT, "description", "stateful"),
        owner="project_id",
        equal_by=("name", "project_id"),
        equal_if={"name": "default"},
        synced=("name", "description", "stateful"),
        born=("project_id",),
        tagged=True,
    ),
    Resource(
        path="/security-group-rules",
        key="security_group_rule",
        keys="security_group_rules",
        refs={
            **_OWNER,
            "security_group_id": "security_group",
            "remote_group_id": "security_group",
            "remote_address_group_id": "address_group",
        },
        order=_BY_ID,
        index="/security-group-rules",
        equal_by=(
            "security_group_id",
            "direction",
            "ethertype",
            "protocol",
            "port_range_min",
            "port_range_max",
            "remote_ip_prefix",
            "remote_group_id",
            "remote_address_group_id",
        ),
        equal_within="security_group_id",
        born=(
            "project_id",
            "security_group_id",
            "direction",
            "ethertype",
            "protocol",
            "port_range_min",
            "port_range_max",
            "remote_ip_prefix",
            "remote_group_id",
            "remote_address_group_id",
            "description",
        ),
        part_of="security_group_id",
    ),
    Resource(
        path="/default-security-group-rules",
        key="default_security_group_rule",
        keys="default_security_group_rules",
        # "PARENT" stands for the group that the rule will be in.
        refs={"remote_group_id": "security_group", "remote_address_group_id": "address_group"},
        order=_BY_ID,
        index="/default-security-group-rules",
    ),
    Resource(
        path="/security-groups-default-statefulness",
        key="security_group_default_statefulness",
        keys="security_groups_default_statefulness",
        refs=_OWNER,
        index="/security-groups-default-statefulness",
    ),
    Resource(
        path="/rbac-policies",
        key="rbac_policy",
        keys="rbac_policies",
        refs={
            **_OWNER,
            "target_tenant": PROJECT,
            "object_id": By(
                "object_type",
                {
                    "network": "network",
                    "qos_policy": "policy",
                    "security_group": "security_group",
                    "address_scope": "address_scope",
                    "subnetpool": "subnetpool",
                    "address_group": "address_group",
                },
            ),
        },
        order=_BY_ID,
        index="/rbac-policies",
    ),
)

_QOS_RULES = (
    "bandwidth_limit_rule",
    "dscp_marking_rule",
    "minimum_bandwidth_rule",
    "minimum_packet_rate_rule",
    "packet_rate_limit_rule",
)

_QOS = (
    Resource(
        path="/qos/policies",
        key="policy",
        keys="policies",
        refs={**_OWNER, "rules[].id": ANY, "rules[].qos_policy_id": "policy"},
        order=_BY_ID,
        index="/qos/policies",
        # Not whether it is its project's default: a site's own admins may have chosen another.
        synced=("name", "description", "shared", "rules"),
        born=("project_id",),
        everywhere_if={"shared": True},
        tagged=True,
    ),
    *(
        Resource(
            path=f"/qos/policies/{{policy}}/{rule}s",
            key=rule,
            keys=f"{rule}s",
            refs={"qos_policy_id": "policy"},
        )
        for rule in _QOS_RULES
    ),
    *(
        # The same rules once more, without the policy in the path.
        Resource(
            path=f"/qos/alias-{rule.replace('_', '-')}s",
            key=f"alias_{rule}",
            keys=f"alias_{rule}s",
            id_kind=rule,
            refs={"qos_policy_id": "policy"},
        )
        for rule in _QOS_RULES
    ),
    Resource(
        path="/qos/rule-types",
        key="rule_type",
        keys="rule_types",
        ids=Ids.NAME,
        id_field="type",
        merge=Merge.FIRST,
    ),
)

_TRUNKS = (
    Resource(
        path="/trunks",
        key="trunk",
        keys="trunks",
        refs={**_OWNER, "port_id": "port", "sub_ports[].port_id": "port"},
        opaque=frozenset({"sub_ports[].segmentation_id"}),
        order=_BY_ID,
        index="/trunks",
    ),
    *(
        Resource(
            path=f"/trunks/{{trunk}}/{verb}_subports",
            key=f"trunk_{verb}_subports",
            bare=True,
            # The reply is the trunk.
            refs={
                **_OWNER,
                "id": "trunk",
                "port_id": "port",
                "sub_ports[].port_id": "port",
                "trunk.id": "trunk",
            },
        )
        for verb in ("add", "remove")
    ),
    Resource(
        path="/trunks/{trunk}/get_subports",
        key="trunk_get_subports",
        bare=True,
        refs={"sub_ports[].port_id": "port"},
    ),
)

_AGENT = {"availability_zone": ZONE}
# `configurations` and `resources_synced` are what an agent says of itself.

_ADMIN = (
    Resource(
        path="/agents",
        key="agent",
        keys="agents",
        refs=_AGENT,
        order=_BY_ID,
        index="/agents",
    ),
    *(
        # Agents by what they host. In requests the body names the one to add.
        Resource(
            path=path,
            key="agent",
            keys="agents",
            kind=kind,
            id_kind="agent",
            refs=_AGENT,
        )
        for path, kind in (
            ("/networks/{network}/dhcp-agents", "dhcp_agent_of_network"),
            ("/routers/{router}/l3-agents", "l3_agent_of_router"),
        )
    ),
    Resource(
        path="/agents/{agent}/dhcp-networks",
        key="network",
        keys="networks",
        kind="network_of_agent",
        id_kind="network",
        refs={**NETWORK.refs, "network_id": "network"},
        opaque=NETWORK.opaque,
    ),
    Resource(
        path="/agents/{agent}/l3-routers",
        key="router",
        keys="routers",
        kind="router_of_agent",
        id_kind="router",
        refs={**ROUTER.refs, "router_id": "router"},
    ),
    Resource(
        path="/ports/{port}/bindings",
        key="binding",
        keys="bindings",
        kind="port_binding",
        ids=Ids.NAME,
        id_field="host",
    ),
    Resource(
        path="/segments",
        key="segment",
        keys="segments",
        refs={"network_id": "network"},
        opaque=frozenset({"segmentation_id"}),
        order=_BY_ID,
        index="/segments",
    ),
    Resource(
        path="/network_segment_ranges",
        key="network_segment_range",
        keys="network_segment_ranges",
        # `used` maps a segmentation ID to the project that uses it.
        refs={**_OWNER, "used{*}": PROJECT},
        order=_BY_ID,
        index="/network_segment_ranges",
    ),
    Resource(
        path="/availability_zones",
        key="availability_zone",
        keys="availability_zones",
        kind="network_zone",
        id_field="name",
        id_kind=ZONE,
    ),
    Resource(
        path="/service-providers",
        key="service_provider",
        keys="service_providers",
        ids=Ids.NAME,
        id_field="name",
        merge=Merge.FIRST,
    ),
    Resource(
        path="/flavors",
        key="flavor",
        keys="flavors",
        kind="network_flavor",
        refs={"service_profiles[]": "service_profile"},
        order=_BY_ID,
        index="/flavors",
    ),
    Resource(
        path="/flavors/{network_flavor}/service_profiles",
        key="service_profile",
        keys="service_profiles",
        kind="service_profile_of_flavor",
        id_kind="service_profile",
    ),
    Resource(
        path="/flavors/{network_flavor}/next_providers",
        key="next_provider",
        kind="flavor_next_provider",
    ),
    Resource(
        path="/service_profiles",
        key="service_profile",
        keys="service_profiles",
        refs=_OWNER,
        order=_BY_ID,
        index="/service_profiles",
    ),
    Resource(
        path="/metering/metering-labels",
        key="metering_label",
        keys="metering_labels",
        refs=_OWNER,
        order=_BY_ID,
        index="/metering/metering-labels",
    ),
    Resource(
        path="/metering/metering-label-rules",
        key="metering_label_rule",
        keys="metering_label_rules",
        refs={**_OWNER, "metering_label_id": "metering_label"},
        order=_BY_ID,
        index="/metering/metering-label-rules",
    ),
    Resource(
        path="/log/logs",
        key="log",
        keys="logs",
        kind="network_log",
        refs={**_OWNER, "resource_id": ANY, "target_id": "port"},
        order=_BY_ID,
        index="/log/logs",
    ),
    Resource(
        path="/log/loggable-resources",
        key="loggable_resource",
        keys="loggable_resources",
        ids=Ids.NAME,
        id_field="type",
        merge=Merge.FIRST,
    ),
)

_QUOTA = {**_OWNER, "id": PROJECT}

_PROJECTS = (
    Resource(
        path="/quotas",
        key="quota",
        keys="quotas",
        id_kind=PROJECT,
        refs=_OWNER,
        told={"/quotas/{project}": "/quotas/{project}"},
        usage="/details",
        merge=Merge.NUMBERS,
    ),
    *(
        Resource(
            path=f"/quotas/{{project}}/{what}",
            key="quota",
            kind=f"quota_{what}",
            refs=_QUOTA,
            told={f"/quotas/{{project}}/{what}": f"/quotas/{{project}}/{what}"},
            merge=Merge.NUMBERS,
        )
        for what in ("default", "details")
    ),
    Resource(
        path="/auto-allocated-topology/{project}",
        key="auto_allocated_topology",
        # The ID is that of the network found or made.
        refs={"id": "network", **_OWNER},
        merge=Merge.FIRST,
    ),
    Resource(
        path="/extensions",
        key="extension",
        keys="extensions",
        kind="network_extension",
        ids=Ids.NAME,
        id_field="alias",
        merge=Merge.INTERSECT,
    ),
)

_TAGGED = {
    "networks": "network",
    "subnets": "subnet",
    "ports": "port",
    "routers": "router",
    "subnetpools": "subnetpool",
    "floatingips": "floatingip",
    "security-groups": "security_group",
    "security-group-rules": "security_group_rule",
    "trunks": "trunk",
    "policies": "policy",
    "qos/policies": "policy",
    "network_segment_ranges": "network_segment_range",
    "segments": "segment",
    "address-groups": "address_group",
    "address-scopes": "address_scope",
}

_TAGS = tuple(
    Resource(
        path=f"/{collection}/{{{kind}}}/tags",
        key="tag",
        keys="tags",
        kind=f"tag_of_{collection.replace('/', '_')}",
        ids=Ids.NAME,
        id_field="",
    )
    for collection, kind in _TAGGED.items()
)

# What few clouds have: path, key, plural, refs beside the owner.
_OPTIONAL: tuple[tuple[str, str, str, Refs], ...] = (
    (
        "/bgpvpn/bgpvpns",
        "bgpvpn",
        "bgpvpns",
        {"networks[]": "network", "routers[]": "router", "ports[]": "port"},
    ),
    (
        "/bgp-speakers",
        "bgp_speaker",
        "bgp_speakers",
        {"networks[]": "network", "peers[]": "bgp_peer"},
    ),
    ("/bgp-peers", "bgp_peer", "bgp_peers", {}),
    (
        "/fwaas/firewall_groups",
        "firewall_group",
        "firewall_groups",
        {
            "ingress_firewall_policy_id": "firewall_policy",
            "egress_firewall_policy_id": "firewall_policy",
            "ports[]": "port",
        },
    ),
    (
        "/fwaas/firewall_policies",
        "firewall_policy",
        "firewall_policies",
        {"firewall_rules[]": "firewall_rule"},
    ),
    (
        "/fwaas/firewall_rules",
        "firewall_rule",
        "firewall_rules",
        {
            "firewall_policy_id": "firewall_policy",
            "firewall_policy_id[]": "firewall_policy",
            "source_firewall_group_id": "firewall_group",
            "destination_firewall_group_id": "firewall_group",
        },
    ),
    (
        "/vpn/endpoint-groups",
        "endpoint_group",
        "endpoint_groups",
        # Subnets, routers, networks, or CIDRs.
        {"endpoints[]": ANY},
    ),
    ("/vpn/ikepolicies", "ikepolicy", "ikepolicies", {}),
    ("/vpn/ipsecpolicies", "ipsecpolicy", "ipsecpolicies", {}),
    (
        "/vpn/ipsec-site-connections",
        "ipsec_site_connection",
        "ipsec_site_connections",
        {
            "vpnservice_id": "vpnservice",
            "ikepolicy_id": "ikepolicy",
            "ipsecpolicy_id": "ipsecpolicy",
            "local_ep_group_id": "endpoint_group",
            "peer_ep_group_id": "endpoint_group",
        },
    ),
    (
        "/vpn/vpnservices",
        "vpnservice",
        "vpnservices",
        {"router_id": "router", "subnet_id": "subnet"},
    ),
    (
        "/sfc/flow_classifiers",
        "flow_classifier",
        "flow_classifiers",
        {"logical_source_port": "port", "logical_destination_port": "port"},
    ),
    ("/sfc/port_pairs", "port_pair", "port_pairs", {"ingress": "port", "egress": "port"}),
    (
        "/sfc/port_pair_groups",
        "port_pair_group",
        "port_pair_groups",
        {"port_pairs[]": "port_pair"},
    ),
    (
        "/sfc/port_chains",
        "port_chain",
        "port_chains",
        {"port_pair_groups[]": "port_pair_group", "flow_classifiers[]": "flow_classifier"},
    ),
    (
        "/sfc/service_graphs",
        "service_graph",
        "service_graphs",
        {"port_chains{}": "port_chain", "port_chains{*}[]": "port_chain"},
    ),
    ("/taas/tap_services", "tap_service", "tap_services", {"port_id": "port"}),
    (
        "/taas/tap_flows",
        "tap_flow",
        "tap_flows",
        {"tap_service_id": "tap_service", "source_port": "port"},
    ),
    ("/taas/tap_mirrors", "tap_mirror", "tap_mirrors", {"port_id": "port"}),
)

_EXTENSIONS = (
    *(
        Resource(
            path=path,
            key=key,
            keys=keys,
            refs={**_OWNER, **refs},
            # Who the peers of a tunnel say that they are, and the number of a chain on the wire.
            opaque=frozenset({"peer_id", "local_id", "chain_id"}),
            order=_BY_ID,
            index=path,
        )
        for path, key, keys, refs in _OPTIONAL
    ),
    *(
        Resource(
            path=f"/bgpvpn/bgpvpns/{{bgpvpn}}/{of}_associations",
            key=f"{of}_association",
            keys=f"{of}_associations",
            kind=f"bgpvpn_{of}_association",
            refs={**_OWNER, f"{of}_id": of, "routes[].bgpvpn_id": "bgpvpn"},
        )
        for of in ("network", "router", "port")
    ),
    *(
        Resource(
            path=f"/bgp-speakers/{{bgp_speaker}}/{verb}",
            key=verb,
            bare=True,
            refs={"bgp_peer_id": "bgp_peer", "network_id": "network"},
        )
        for verb in (
            "add_bgp_peer",
            "remove_bgp_peer",
            "add_gateway_network",
            "remove_gateway_network",
        )
    ),
    *(
        Resource(
            path=f"/fwaas/firewall_policies/{{firewall_policy}}/{verb}",
            key=f"firewall_policy_{verb}",
            bare=True,
            refs={
                **_OWNER,
                "id": "firewall_policy",
                "firewall_rule_id": "firewall_rule",
                "insert_before": "firewall_rule",
                "insert_after": "firewall_rule",
                "firewall_rules[]": "firewall_rule",
            },
        )
        for verb in ("insert_rule", "remove_rule")
    ),
)

SERVICE = Service(
    type="network",
    prefix="/network",
    version="/v2.0",
    faults="neutron",
    resources=(
        NETWORK,
        SUBNET,
        PORT,
        ROUTER,
        *_ROUTER_VERBS,
        *_ADDRESSES,
        *_SECURITY,
        *_QOS,
        *_TRUNKS,
        *_ADMIN,
        *_PROJECTS,
        *_TAGS,
        *_EXTENSIONS,
    ),
)
