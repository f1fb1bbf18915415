-- Agents that are always alive (their heartbeat is a century ahead) though no process runs:
-- the real Open vSwitch driver binds ports to the first, routers and DHCP are scheduled to the others.
INSERT INTO agents (id, agent_type, `binary`, topic, host, admin_state_up, created_at, started_at,
                    heartbeat_timestamp, configurations, `load`, availability_zone, resources_synced) VALUES
 (UUID(), 'Open vSwitch agent', 'neutron-openvswitch-agent', 'N/A', '@SITE@-host', 1, '2026-01-01', '2026-01-01', '2126-01-01',
  '{"bridge_mappings": {"physnet1": "br-p1", "physnet2": "br-p2"}, "tunnel_types": ["vxlan"], "tunneling_ip": "127.0.0.1", "integration_bridge": "br-int", "datapath_type": "system", "ovs_hybrid_plug": false, "enable_distributed_routing": true, "l2_population": false, "arp_responder_enabled": false, "extensions": ["qos"], "ovs_capabilities": {"datapath_types": ["netdev", "system"], "iface_types": ["internal", "vxlan"]}, "resource_provider_bandwidths": {}, "resource_provider_hypervisors": {}}', 0, NULL, 1),
 (UUID(), 'L3 agent', 'neutron-l3-agent', 'l3_agent', '@SITE@-host', 1, '2026-01-01', '2026-01-01', '2126-01-01',
  '{"agent_mode": "dvr_snat", "handle_internal_only_routers": true, "interface_driver": "openvswitch", "ex_gw_ports": 0, "routers": 0, "interfaces": 0, "floating_ips": 0, "log_agent_heartbeats": false, "extensions": []}', 0, 'nova', 1),
 (UUID(), 'DHCP agent', 'neutron-dhcp-agent', 'dhcp_agent', '@SITE@-host', 1, '2026-01-01', '2026-01-01', '2126-01-01',
  '{"dhcp_driver": "neutron.agent.linux.dhcp.Dnsmasq", "dhcp_lease_duration": 86400, "networks": 0, "subnets": 0, "ports": 0, "log_agent_heartbeats": false}', 0, 'nova', 1),
 (UUID(), 'Metadata agent', 'neutron-metadata-agent', 'N/A', '@SITE@-host', 1, '2026-01-01', '2026-01-01', '2126-01-01', '{}', 0, NULL, 1);
