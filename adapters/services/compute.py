"""Nova: servers and what they run on.

Opaque by decision: ``hostId`` (a hash), reservation IDs, request IDs (the IDs of instance actions), the
internal numbers of flavors in migrations, certificate IDs (the key manager's of one site). Host names
are names of one site and stay as they are.

The proxies for networks, volumes and images that Nova serves below microversion 2.36 are declared by
the IDs of the services that they stand for, for some clients never ask for a microversion.
"""

from adapters.spec import ANY, PROJECT, USER, ZONE, By, Ids, Merge, Refs, Resource, Service

_OWNER = {"tenant_id": PROJECT, "user_id": USER}
_NEW_OWNER = {"project_id": PROJECT, "user_id": USER}

_BLOCK_DEVICE: Refs = {
    "uuid": By("source_type", {"image": "image", "volume": "volume", "snapshot": "snapshot"}),
    "image_id": "image",
    "volume_id": "volume",
    "snapshot_id": "snapshot",
}

_HINTS = {
    "group": "server_group",
    "same_host": "server",
    "same_host[]": "server",
    "different_host": "server",
    "different_host[]": "server",
}

SERVER = Resource(
    path="/servers",
    key="server",
    keys="servers",
    details=("detail",),
    refs={
        # Shown from 2.100 on, as they were asked for.
        **{f"scheduler_hints.{hint}": kind for hint, kind in _HINTS.items()},
        "scheduler_hints.group[]": "server_group",
        **_OWNER,
        "imageRef": "image",
        "image.id": "image",
        "flavorRef": "flavor",
        "flavor.id": "flavor",
        "key_name": "keypair",
        "availability_zone": ZONE,
        "OS-EXT-AZ:availability_zone": ZONE,
        "pinned_availability_zone": ZONE,
        "server_groups[]": "server_group",
        "os-extended-volumes:volumes_attached[].id": "volume",
        "OS-EXT-SRV-ATTR:kernel_id": "image",
        "OS-EXT-SRV-ATTR:ramdisk_id": "image",
    },
    request_refs={
        "networks[].uuid": "network",
        "networks[].port": "port",
        # A name-or-ID when asked for, a name when shown.
        "security_groups[].name": "security_group",
        **{f"block_device_mapping_v2[].{name}": kind for name, kind in _BLOCK_DEVICE.items()},
        **{f"block_device_mapping[].{name}": kind for name, kind in _BLOCK_DEVICE.items()},
    },
    siblings={"OS-SCH-HNT:scheduler_hints": _HINTS, "os:scheduler_hints": _HINTS},
    opaque=frozenset(
        {
            "hostId",
            "reservation_id",
            "OS-EXT-SRV-ATTR:reservation_id",
            "trusted_image_certificates",
            "block_device_mapping_v2",
            "networks",
        }
    ),
    filters={
        "uuid": "server",
        "image": "image",
        "image_ref": "image",
        "flavor": "flavor",
        "project_id": PROJECT,
        "kernel_id": "image",
        "ramdisk_id": "image",
    },
    patterns=frozenset({"name"}),
    actions={
        "rebuild": {"imageRef": "image", "key_name": "keypair"},
        "resize": {"flavorRef": "flavor"},
        "createImage": {"image_id": "image"},
        "createBackup": {"image_id": "image"},
        "rescue": {"rescue_image_ref": "image"},
        "unshelve": {"availability_zone": ZONE},
        "addFixedIp": {"networkId": "network"},
        "addSecurityGroup": {"name": "security_group"},
        "removeSecurityGroup": {"name": "security_group"},
    },
    brief=("id", "name", "links"),
    order=("created_at:desc", "uuid:desc"),
    sort_fields={
        "created_at": "created",
        "updated_at": "updated",
        "uuid": "id",
        "display_name": "name",
        "display_description": "description",
        "project_id": "tenant_id",
        "vm_state": "OS-EXT-STS:vm_state",
        "task_state": "OS-EXT-STS:task_state",
        "power_state": "OS-EXT-STS:power_state",
        "launched_at": "OS-SRV-USG:launched_at",
        "terminated_at": "OS-SRV-USG:terminated_at",
        "availability_zone": "OS-EXT-AZ:availability_zone",
        "host": "OS-EXT-SRV-ATTR:host",
        "instance_name": "OS-EXT-SRV-ATTR:instance_name",
        "root_device_name": "OS-EXT-SRV-ATTR:root_device_name",
        "access_ip_v4": "accessIPv4",
        "access_ip_v6": "accessIPv6",
        "auto_disk_config": "OS-DCF:diskConfig",
    },
    index="/servers/detail?all_tenants=1",
    # The last one that tells the ID of the flavor.
    index_microversion="2.46",
    kept=(
        "name",
        "status",
        "tenant_id",
        "user_id",
        "created",
        "updated",
        "flavor",
        "image",
        "addresses",
        "key_name",
        "security_groups",
        "OS-EXT-AZ:availability_zone",
        "os-extended-volumes:volumes_attached",
    ),
    owner="tenant_id",
    while_away={
        # As Nova shows servers of a cell that is down.
        "status": "UNKNOWN",
        "OS-EXT-STS:power_state": 0,
        # What older clients do not expect to be without.
        "OS-EXT-STS:task_state": None,
        "OS-EXT-STS:vm_state": None,
        "metadata": {},
        "accessIPv4": "",
        "accessIPv6": "",
        "hostId": "",
        "config_drive": "",
    },
)

FLAVOR = Resource(
    path="/flavors",
    key="flavor",
    keys="flavors",
    details=("detail",),
    ids=Ids.CHOSEN,
    actions={
        "addTenantAccess": {"tenant": PROJECT},
        "removeTenantAccess": {"tenant": PROJECT},
    },
    # What the actions on the access of a flavor answer.
    siblings={"flavor_access": {"[].flavor_id": "flavor", "[].tenant_id": PROJECT}},
    brief=("id", "name", "links", "description"),
    order=("flavorid:asc",),
    sort_fields={"flavorid": "id", "memory_mb": "ram", "root_gb": "disk"},
    index="/flavors/detail?is_public=None",
    kept=(
        "name",
        "ram",
        "vcpus",
        "disk",
        "OS-FLV-EXT-DATA:ephemeral",
        "swap",
        "rxtx_factor",
        "OS-FLV-DISABLED:disabled",
        "os-flavor-access:is_public",
    ),
    everybodys_if={"os-flavor-access:is_public": True},
    equal_by=(
        "name",
        "ram",
        "vcpus",
        "disk",
        "OS-FLV-EXT-DATA:ephemeral",
        "swap",
        "rxtx_factor",
        "extra_specs",
    ),
)

_OF_A_SERVER = (
    Resource(
        path="/servers/{server}/os-volume_attachments",
        key="volumeAttachment",
        keys="volumeAttachments",
        id_field="volumeId",
        id_kind="volume",
        refs={
            "id": "volume",
            "serverId": "server",
            "attachment_id": "attachment",
            "bdm_uuid": ANY,
        },
    ),
    Resource(
        path="/servers/{server}/os-interface",
        key="interfaceAttachment",
        keys="interfaceAttachments",
        id_field="port_id",
        id_kind="port",
        refs={"net_id": "network", "fixed_ips[].subnet_id": "subnet"},
    ),
    Resource(
        path="/servers/{server}/os-instance-actions",
        key="instanceAction",
        keys="instanceActions",
        ids=Ids.NAME,
        id_field="request_id",
        refs={**_NEW_OWNER, "instance_uuid": "server"},
        opaque=frozenset({"events[].hostId", "events"}),
        order=("start_time:desc",),
    ),
    Resource(
        path="/servers/{server}/migrations",
        key="migration",
        keys="migrations",
        kind="server_migration",
        ids=Ids.NUMBER,
        refs={**_NEW_OWNER, "server_uuid": "server", "uuid": "migration"},
    ),
    Resource(
        path="/servers/{server}/os-security-groups",
        key="security_group",
        keys="security_groups",
        kind="server_security_group",
        id_kind="security_group",
        refs={
            "tenant_id": PROJECT,
            "rules[].id": "security_group_rule",
            "rules[].parent_group_id": "security_group",
            "rules[].group.tenant_id": PROJECT,
        },
    ),
    Resource(
        path="/servers/{server}/shares",
        key="share",
        keys="shares",
        kind="server_share",
        id_field="share_id",
        id_kind=ANY,
        refs={"uuid": ANY},
    ),
    Resource(
        path="/servers/{server}/metadata",
        key="meta",
        keys="metadata",
        kind="server_metadata",
        ids=Ids.NAME,
        id_field="",
    ),
    Resource(
        path="/servers/{server}/tags",
        key="tag",
        keys="tags",
        kind="server_tag",
        ids=Ids.NAME,
        id_field="",
    ),
    Resource(
        path="/servers/{server}/ips",
        key="address",
        keys="addresses",
        kind="server_address",
        ids=Ids.NAME,
        id_field="",
    ),
    Resource(
        path="/servers/{server}/os-virtual-interfaces",
        key="virtual_interface",
        keys="virtual_interfaces",
        id_kind="port",
        refs={"net_id": "network", "OS-EXT-VIF-NET:net_id": "network"},
    ),
    Resource(path="/servers/{server}/diagnostics", key="diagnostics", bare=True),
    Resource(path="/servers/{server}/topology", key="topology", bare=True),
    Resource(path="/servers/{server}/os-server-password", key="server_password", bare=True),
    Resource(path="/servers/{server}/remote-consoles", key="remote_console"),
)

_OF_A_FLAVOR = (
    Resource(
        path="/flavors/{flavor}/os-extra_specs",
        key="extra_spec",
        keys="extra_specs",
        kind="flavor_extra_spec",
        ids=Ids.NAME,
        id_field="",
        bare=True,
    ),
    Resource(
        path="/flavors/{flavor}/os-flavor-access",
        key="access",
        keys="flavor_access",
        kind="flavor_access",
        id_field="tenant_id",
        id_kind=PROJECT,
        refs={"flavor_id": "flavor"},
    ),
)

_QUOTAS_OF_ONE_OBJECT = frozenset(
    {
        "injected_file_content_bytes",
        "injected_file_path_bytes",
        "injected_files",
        "key_pairs",
        "metadata_items",
        "security_group_rules",
        "server_group_members",
    }
)

_OF_USERS_AND_PROJECTS = (
    Resource(
        path="/os-keypairs",
        key="keypair",
        keys="keypairs",
        ids=Ids.NAME,
        id_field="name",
        wrapped=True,
        # The number of the database row, shown and taken by no call.
        opaque=frozenset({"id"}),
        refs={"user_id": USER},
        order=("name:asc",),
    ),
    Resource(
        path="/os-server-groups",
        key="server_group",
        keys="server_groups",
        refs={**_NEW_OWNER, "members[]": "server"},
        index="/os-server-groups?all_projects=True",
    ),
    Resource(
        path="/limits",
        key="limits",
        kind="compute_limits",
        filters={"tenant_id": PROJECT},
        told={"/limits": "/limits?tenant_id={project}"},
        merge=Merge.NUMBERS,
        lowest=frozenset(
            {
                "maxImageMeta",
                "maxPersonality",
                "maxPersonalitySize",
                "maxServerMeta",
                "maxServerGroupMembers",
                "maxTotalKeypairs",
                "maxSecurityGroupRules",
            }
        ),
    ),
    Resource(
        path="/os-quota-sets/{project}",
        key="quota_set",
        kind="compute_quota_set",
        details=("defaults", "detail"),
        refs={"id": PROJECT},
        filters={"user_id": USER},
        told={
            "/os-quota-sets/{project}": "/os-quota-sets/{project}",
            "/os-quota-sets/{project}/detail": "/os-quota-sets/{project}/detail",
            "/os-quota-sets/{project}/defaults": "/os-quota-sets/{project}/defaults",
        },
        merge=Merge.NUMBERS,
        usage="/detail",
        lowest=_QUOTAS_OF_ONE_OBJECT,
    ),
    Resource(
        path="/os-quota-class-sets",
        key="quota_class_set",
        keys="quota_class_sets",
        kind="compute_quota_class_set",
        ids=Ids.NAME,
        merge=Merge.NUMBERS,
        lowest=_QUOTAS_OF_ONE_OBJECT,
    ),
    Resource(
        path="/os-simple-tenant-usage",
        key="tenant_usage",
        keys="tenant_usages",
        id_field="tenant_id",
        id_kind=PROJECT,
        refs={"server_usages[].instance_id": "server", "server_usages[].tenant_id": PROJECT},
        filters={"marker": "server"},
        told={"/os-simple-tenant-usage/{project}": "/os-simple-tenant-usage/{project}"},
        # The first in which it is given in pages: what does not fit on one is not remembered.
        index_microversion="2.40",
        ranged=True,
        merge=Merge.NUMBERS,
    ),
)

_OF_ADMINS = (
    Resource(
        path="/os-aggregates",
        key="aggregate",
        keys="aggregates",
        ids=Ids.NUMBER,
        refs={
            "uuid": "aggregate",
            "availability_zone": ZONE,
            # Where Nova itself keeps the zone of an aggregate; not free text.
            "metadata.availability_zone": ZONE,
        },
        actions={"set_metadata": {"metadata.availability_zone": ZONE}},
    ),
    Resource(
        path="/os-aggregates/{aggregate}/images",
        key="aggregate_images",
        bare=True,
        refs={"cache[].id": "image"},
    ),
    Resource(
        path="/os-availability-zone",
        key="availabilityZone",
        keys="availabilityZoneInfo",
        id_field="zoneName",
        id_kind=ZONE,
        details=("detail",),
    ),
    Resource(
        path="/os-hypervisors",
        key="hypervisor",
        keys="hypervisors",
        ids=Ids.NUMBER,
        details=("detail",),
        refs={"servers[].uuid": "server", "service.id": "compute_service"},
        index="/os-hypervisors",
    ),
    Resource(path="/os-hypervisors/statistics", key="hypervisor_statistics", merge=Merge.NUMBERS),
    Resource(
        path="/os-hypervisors/{hypervisor}/uptime",
        key="hypervisor",
        kind="hypervisor_uptime",
        refs={"id": "hypervisor"},
    ),
    # Below a pattern of host names, until microversion 2.53.
    *(
        Resource(
            path=f"/os-hypervisors/{{hypervisor}}/{what}",
            key=f"hypervisor_{what}",
            bare=True,
            refs={
                "hypervisors[].id": "hypervisor",
                "hypervisors[].servers[].uuid": "server",
            },
        )
        for what in ("search", "servers")
    ),
    Resource(
        path="/os-services",
        key="service",
        keys="services",
        kind="compute_service",
        ids=Ids.NUMBER,
        details=("enable", "disable", "disable-log-reason", "force-down"),
        refs={"zone": ZONE},
        index="/os-services",
    ),
    Resource(
        path="/os-hosts",
        key="host",
        keys="hosts",
        ids=Ids.NAME,
        id_field="host_name",
        refs={"zone": ZONE},
        filters={"zone": ZONE},
    ),
    Resource(
        path="/os-migrations",
        key="migration",
        keys="migrations",
        ids=Ids.NUMBER,
        refs={**_NEW_OWNER, "instance_uuid": "server", "uuid": "migration"},
        # Numbers of database rows, shown and taken by no call.
        opaque=frozenset({"new_instance_type_id", "old_instance_type_id"}),
        order=("created_at:desc", "id:desc"),
        marker_field="uuid",
    ),
    Resource(
        path="/os-server-external-events",
        key="event",
        keys="events",
        kind="server_external_event",
        id_field="",
        refs={
            "server_uuid": "server",
            "tag": By(
                "name",
                {
                    "network-changed": "port",
                    "network-vif-plugged": "port",
                    "network-vif-unplugged": "port",
                    "network-vif-deleted": "port",
                    "volume-extended": "volume",
                    "volume-reimaged": "volume",
                },
            ),
        },
    ),
    Resource(
        path="/os-assisted-volume-snapshots",
        key="snapshot",
        keys="snapshots",
        kind="assisted_snapshot",
        id_kind="snapshot",
        refs={
            "volume_id": "volume",
            "volumeId": "volume",
            "create_info.snapshot_id": "snapshot",
            "create_info.id": "snapshot",
        },
    ),
    Resource(
        path="/os-console-auth-tokens",
        key="console",
        keys="consoles",
        ids=Ids.NAME,
        refs={"instance_uuid": "server"},
    ),
    Resource(
        path="/os-instance_usage_audit_log",
        key="instance_usage_audit_log",
        keys="instance_usage_audit_logs",
        ids=Ids.NAME,
        id_field="",
    ),
    Resource(
        path="/extensions",
        key="extension",
        keys="extensions",
        kind="compute_extension",
        ids=Ids.NAME,
        id_field="alias",
        merge=Merge.INTERSECT,
    ),
)

_PROXIES = (
    Resource(
        path="/images",
        key="image",
        keys="images",
        kind="compute_image",
        id_kind="image",
        details=("detail",),
        refs={"server.id": "server"},
        filters={"server": "server"},
    ),
    Resource(
        path="/images/{image}/metadata",
        key="meta",
        keys="metadata",
        kind="compute_image_metadata",
        ids=Ids.NAME,
        id_field="",
    ),
    Resource(
        path="/os-floating-ips",
        key="floating_ip",
        keys="floating_ips",
        id_kind="floatingip",
        refs={"instance_id": "server"},
    ),
    Resource(
        path="/os-security-groups",
        key="security_group",
        keys="security_groups",
        kind="compute_security_group",
        id_kind="security_group",
        refs={
            "tenant_id": PROJECT,
            "rules[].id": "security_group_rule",
            "rules[].parent_group_id": "security_group",
            "rules[].group.tenant_id": PROJECT,
        },
    ),
    Resource(
        path="/os-security-group-rules",
        key="security_group_rule",
        keys="security_group_rules",
        kind="compute_security_group_rule",
        id_kind="security_group_rule",
        refs={
            "parent_group_id": "security_group",
            "group_id": "security_group",
            "group.tenant_id": PROJECT,
        },
    ),
    Resource(
        path="/os-networks",
        key="network",
        keys="networks",
        kind="compute_network",
        id_kind="network",
        refs={"project_id": PROJECT},
    ),
    Resource(
        path="/os-tenant-networks",
        key="network",
        keys="networks",
        kind="compute_tenant_network",
        id_kind="network",
    ),
    Resource(
        path="/os-volumes",
        key="volume",
        keys="volumes",
        kind="compute_volume",
        id_kind="volume",
        details=("detail",),
        refs={
            "snapshotId": "snapshot",
            "snapshot_id": "snapshot",
            "availabilityZone": ZONE,
            "availability_zone": ZONE,
            "attachments[].id": "volume",
            "attachments[].volumeId": "volume",
            "attachments[].serverId": "server",
        },
    ),
    Resource(
        path="/os-snapshots",
        key="snapshot",
        keys="snapshots",
        kind="compute_snapshot",
        id_kind="snapshot",
        details=("detail",),
        refs={"volumeId": "volume", "volume_id": "volume"},
    ),
)

SERVICE = Service(
    type="compute",
    prefix="/compute",
    version="/v2.1",
    microversion="compute",
    legacy_microversion_header="X-OpenStack-Nova-API-Version",
    faults="nova",
    resources=(
        SERVER,
        FLAVOR,
        *_OF_A_SERVER,
        *_OF_A_FLAVOR,
        *_OF_USERS_AND_PROJECTS,
        *_OF_ADMINS,
        *_PROXIES,
    ),
)
