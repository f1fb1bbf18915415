"""Cinder: volumes, what is copied from them, how they are grouped and attached.

Opaque by decision: host, cluster and backend names (of one site), ``encryption_key_id`` (the key manager's
of one site), ``provider_id`` and driver data, ``connection_info`` (between Nova and the storage of one
site), ``backup_url`` (an exported record is for the site that wrote it).

Volume metadata is free text; ``volume_image_metadata`` is copied from an image, so that only what names
the image is a ref.
"""

from adapters.spec import ANY, PROJECT, USER, ZONE, By, Ids, Merge, Resource, Service

_NEWEST = ("created_at:desc", "id:desc")

_IMAGE_METADATA = {
    "image_id": "image",
    "kernel_id": "image",
    "ramdisk_id": "image",
    "instance_uuid": "server",
    "base_image_ref": "image",
}

_HINTS = {
    "same_host": "volume",
    "same_host[]": "volume",
    "different_host": "volume",
    "different_host[]": "volume",
    "local_to_instance": "server",
}

VOLUME = Resource(
    path="/volumes",
    key="volume",
    keys="volumes",
    details=("detail",),
    refs={
        "user_id": USER,
        "project_id": PROJECT,
        "os-vol-tenant-attr:tenant_id": PROJECT,
        "os-vol-mig-status-attr:name_id": "volume",
        "availability_zone": ZONE,
        "snapshot_id": "snapshot",
        "source_volid": "volume",
        "source_replica": "volume",
        "backup_id": "backup",
        "group_id": "group",
        "consistencygroup_id": "consistencygroup",
        "volume_type_id": "volume_type",
        "imageRef": "image",
        "image_id": "image",
        "service_uuid": ANY,
        "encryption_key_id": ANY,
        "attachments[].id": "volume",
        "attachments[].volume_id": "volume",
        "attachments[].server_id": "server",
        "attachments[].attachment_id": "attachment",
        **{f"volume_image_metadata.{name}": kind for name, kind in _IMAGE_METADATA.items()},
    },
    # Asked for by name or ID, shown by name.
    request_refs={"volume_type": "volume_type"},
    siblings={"OS-SCH-HNT:scheduler_hints": _HINTS},
    opaque=frozenset(
        {
            "provider_id",
            "os-vol-host-attr:host",
            "volume_type",
        }
    ),
    filters={"volume_type_id": "volume_type", "image_id": "image"},
    actions={
        "os-attach": {"instance_uuid": "server"},
        "os-detach": {"attachment_id": "attachment"},
        "os-force_detach": {"attachment_id": "attachment"},
        "os-retype": {"new_type": "volume_type"},
        "os-reimage": {"image_id": "image"},
        "revert": {"snapshot_id": "snapshot"},
        "os-migrate_volume_completion": {"new_volume": "volume", "save_volume_id": "volume"},
        "os-volume_upload_image": {
            "id": "volume",
            "image_id": "image",
            "volume_type.id": "volume_type",
            "volume_type.qos_specs_id": "qos_specs",
        },
        "os-show_image_metadata": {
            f"metadata.{name}": kind for name, kind in _IMAGE_METADATA.items()
        },
        "os-set_image_metadata": {
            f"metadata.{name}": kind for name, kind in _IMAGE_METADATA.items()
        },
    },
    brief=("id", "name", "links"),
    order=_NEWEST,
    index="/volumes/detail?all_tenants=1",
    kept=(
        "name",
        "status",
        "os-vol-tenant-attr:tenant_id",
        "user_id",
        "created_at",
        "updated_at",
        "size",
        "volume_type",
        "bootable",
        "encrypted",
        "multiattach",
        "availability_zone",
        "snapshot_id",
        "source_volid",
        "attachments",
    ),
    owner="os-vol-tenant-attr:tenant_id",
    while_away={"metadata": {}},
)

_COPIES = (
    Resource(
        path="/snapshots",
        key="snapshot",
        keys="snapshots",
        details=("detail",),
        refs={
            "user_id": USER,
            "project_id": PROJECT,
            "os-extended-snapshot-attributes:project_id": PROJECT,
            "volume_id": "volume",
            "group_snapshot_id": "group_snapshot",
            "cgsnapshot_id": "cgsnapshot",
        },
        order=_NEWEST,
        index="/snapshots/detail?all_tenants=1",
        kept=(
            "name",
            "status",
            "os-extended-snapshot-attributes:project_id",
            "user_id",
            "created_at",
            "updated_at",
            "size",
            "volume_id",
        ),
        owner="os-extended-snapshot-attributes:project_id",
        while_away={"metadata": {}},
    ),
    Resource(
        path="/backups",
        key="backup",
        keys="backups",
        details=("detail",),
        refs={
            "user_id": USER,
            "project_id": PROJECT,
            "os-backup-project-attr:project_id": PROJECT,
            "volume_id": "volume",
            "snapshot_id": "snapshot",
            "incremental_from": "backup",
            "availability_zone": ZONE,
        },
        opaque=frozenset({"encryption_key_id"}),
        brief=("id", "name", "links"),
        order=_NEWEST,
        index="/backups?all_tenants=1",
    ),
    Resource(
        path="/backups/{backup}/restore",
        key="restore",
        kind="backup_restore",
        refs={"backup_id": "backup", "volume_id": "volume"},
    ),
    Resource(path="/backups/{backup}/export_record", key="backup-record", kind="backup_export"),
    Resource(
        path="/backups/import_record",
        key="backup-record",
        kind="backup_import",
        siblings={"backup": {"id": "backup"}},
    ),
    Resource(
        path="/attachments",
        key="attachment",
        keys="attachments",
        details=("detail",),
        refs={
            "instance": "server",
            "instance_uuid": "server",
            "volume_id": "volume",
            "volume_uuid": "volume",
        },
        opaque=frozenset({"connection_info", "connector"}),
        filters={"instance_id": "server", "project_id": PROJECT},
        order=_NEWEST,
        index="/attachments?all_tenants=1",
    ),
    *(
        Resource(
            path=path,
            key="transfer",
            keys="transfers",
            kind=kind,
            id_kind="transfer",
            details=("detail",),
            refs={
                "volume_id": "volume",
                "source_project_id": PROJECT,
                "destination_project_id": PROJECT,
            },
            index=f"{path}?all_tenants=1",
        )
        for path, kind in (
            ("/volume-transfers", "transfer"),
            ("/os-volume-transfer", "old_transfer"),
        )
    ),
    *(
        Resource(
            path=f"{path}/{{transfer}}/accept",
            key=key,
            kind=kind,
            # The request stands under "accept", the reply under "transfer".
            siblings={"transfer": {"id": "transfer", "volume_id": "volume"}},
        )
        for path, key, kind in (
            ("/volume-transfers", "accept", "transfer_accept"),
            ("/os-volume-transfer", "accept", "old_transfer_accept"),
        )
    ),
)

_METADATA = tuple(
    Resource(
        path=f"{path}/metadata",
        key="meta",
        keys="metadata",
        kind=f"{kind}_metadata",
        ids=Ids.NAME,
        id_field="",
    )
    for path, kind in (
        ("/volumes/{volume}", "volume"),
        ("/snapshots/{snapshot}", "snapshot"),
        ("/backups/{backup}", "backup"),
    )
)

_DEFAULT_TYPES = (
    # That of the site which makes what nobody has given a type or a place.
    Resource(
        path="/types/default",
        key="volume_type",
        kind="default_volume_type",
        refs={"id": "volume_type", "qos_specs_id": "qos_specs"},
        opaque=frozenset({"extra_specs.RESKEY:availability_zones"}),
        merge=Merge.FIRST,
    ),
    Resource(
        path="/group_types/default",
        key="group_type",
        kind="default_group_type",
        refs={"id": "group_type"},
        merge=Merge.FIRST,
    ),
)

_TYPES = (
    Resource(
        path="/types",
        key="volume_type",
        keys="volume_types",
        refs={"qos_specs_id": "qos_specs"},
        # A list of zones, in a text; of one site, and for its scheduler only.
        opaque=frozenset({"extra_specs.RESKEY:availability_zones"}),
        actions={
            "addProjectAccess": {"project": PROJECT},
            "removeProjectAccess": {"project": PROJECT},
        },
        order=_NEWEST,
        links="volume_type_links",
        index="/types?is_public=None",
        equal_by=(
            "name",
            "extra_specs",
            "is_public",
            "os-volume-type-access:is_public",
        ),
    ),
    Resource(
        path="/types/{volume_type}/extra_specs",
        key="extra_spec",
        keys="extra_specs",
        kind="volume_type_extra_spec",
        ids=Ids.NAME,
        id_field="",
        bare=True,
    ),
    Resource(
        path="/types/{volume_type}/encryption",
        key="encryption",
        keys="encryptions",
        ids=Ids.UUID,
        kind="volume_type_encryption",
        id_field="encryption_id",
        refs={"volume_type_id": "volume_type"},
        bare=True,
    ),
    Resource(
        path="/types/{volume_type}/os-volume-type-access",
        key="access",
        keys="volume_type_access",
        kind="volume_type_access",
        id_field="project_id",
        id_kind=PROJECT,
        refs={"volume_type_id": "volume_type"},
    ),
    Resource(
        path="/default-types",
        key="default_type",
        keys="default_types",
        id_field="project_id",
        id_kind=PROJECT,
        refs={"volume_type_id": "volume_type"},
        request_refs={"volume_type": "volume_type"},
        opaque=frozenset({"volume_type"}),
    ),
    Resource(
        path="/qos-specs",
        key="qos_specs",
        keys="qos_specs",
        filters={"vol_type_id": "volume_type"},
        index="/qos-specs",
    ),
    Resource(
        path="/qos-specs/{qos_specs}/associations",
        key="qos_association",
        keys="qos_associations",
        id_kind="volume_type",
    ),
    *(
        # GET, by the history of the API, and changes something.
        Resource(
            path=f"/qos-specs/{{qos_specs}}/{verb}",
            key=f"qos_{verb}",
            filters={"vol_type_id": "volume_type"},
        )
        for verb in ("associate", "disassociate", "disassociate_all", "delete_keys")
    ),
)

_GROUPS = (
    Resource(
        path="/groups",
        key="group",
        keys="groups",
        # `create-from-src` is an action of the collection.
        details=("detail", "action"),
        refs={
            "project_id": PROJECT,
            "availability_zone": ZONE,
            "group_type": "group_type",
            "volume_types[]": "volume_type",
            "volumes[]": "volume",
            "group_snapshot_id": "group_snapshot",
            "source_group_id": "group",
        },
        actions={
            "create-from-src": {"group_snapshot_id": "group_snapshot", "source_group_id": "group"},
        },
        order=_NEWEST,
        index="/groups?all_tenants=1",
    ),
    Resource(
        path="/group_snapshots",
        key="group_snapshot",
        keys="group_snapshots",
        details=("detail",),
        refs={"project_id": PROJECT, "group_id": "group", "group_type_id": "group_type"},
        order=_NEWEST,
        index="/group_snapshots?all_tenants=1",
    ),
    Resource(
        path="/group_types",
        key="group_type",
        keys="group_types",
        order=_NEWEST,
        links="group_type_links",
        index="/group_types?is_public=None",
        equal_by=("name", "group_specs", "is_public"),
    ),
    Resource(
        path="/group_types/{group_type}/group_specs",
        key="group_spec",
        keys="group_specs",
        ids=Ids.NAME,
        id_field="",
        bare=True,
    ),
    Resource(
        path="/consistencygroups",
        key="consistencygroup",
        keys="consistencygroups",
        details=("detail",),
        refs={
            "availability_zone": ZONE,
            "project_id": PROJECT,
            "user_id": USER,
            "volume_types[]": "volume_type",
        },
        order=_NEWEST,
        index="/consistencygroups?all_tenants=1",
    ),
    Resource(
        path="/cgsnapshots",
        key="cgsnapshot",
        keys="cgsnapshots",
        details=("detail",),
        refs={
            "consistencygroup_id": "consistencygroup",
            "project_id": PROJECT,
            "user_id": USER,
        },
        order=_NEWEST,
        index="/cgsnapshots?all_tenants=1",
    ),
)

_PROJECTS = (
    Resource(
        path="/messages",
        key="message",
        keys="messages",
        refs={
            "resource_uuid": By(
                "resource_type",
                {
                    "VOLUME": "volume",
                    "VOLUME_SNAPSHOT": "snapshot",
                    "VOLUME_BACKUP": "backup",
                },
            )
        },
        # Codes and the ID of a request.
        opaque=frozenset({"event_id", "request_id"}),
        order=_NEWEST,
        index="/messages",
    ),
    Resource(
        path="/limits",
        key="limits",
        kind="volume_limits",
        filters={"project_id": PROJECT},
        # From here on an admin may ask for another project's.
        index_microversion="3.39",
        told={"/limits": "/limits?project_id={project}"},
        merge=Merge.NUMBERS,
    ),
    Resource(
        path="/os-quota-sets/{project}",
        key="quota_set",
        kind="volume_quota_set",
        details=("defaults", "detail"),
        refs={"id": PROJECT},
        filters={"user_id": USER},
        told={
            "/os-quota-sets/{project}": "/os-quota-sets/{project}",
            "/os-quota-sets/{project}?usage=True": "/os-quota-sets/{project}?usage=True",
            "/os-quota-sets/{project}/defaults": "/os-quota-sets/{project}/defaults",
        },
        usage="?usage=True",
        merge=Merge.NUMBERS,
        lowest=frozenset({"per_volume_gigabytes"}),
    ),
    Resource(
        path="/os-quota-class-sets",
        key="quota_class_set",
        keys="quota_class_sets",
        kind="volume_quota_class_set",
        ids=Ids.NAME,
        merge=Merge.NUMBERS,
        lowest=frozenset({"per_volume_gigabytes"}),
    ),
    Resource(
        path="/os-availability-zone",
        key="availabilityZone",
        keys="availabilityZoneInfo",
        kind="volume_zone",
        id_field="zoneName",
        id_kind=ZONE,
    ),
    Resource(
        path="/extensions",
        key="extension",
        keys="extensions",
        kind="volume_extension",
        ids=Ids.NAME,
        id_field="alias",
        merge=Merge.INTERSECT,
    ),
    Resource(
        path="/resource_filters",
        key="resource_filter",
        keys="resource_filters",
        ids=Ids.NAME,
        id_field="resource",
        merge=Merge.FIRST,
    ),
)

_ADMIN = (
    Resource(
        path="/os-services",
        key="service",
        keys="services",
        kind="volume_service",
        ids=Ids.NAME,
        id_field="host",
        details=(
            "enable",
            "disable",
            "disable-log-reason",
            "freeze",
            "thaw",
            "failover_host",
            "failover",
            "get-log",
            "set-log",
        ),
        refs={"zone": ZONE},
        opaque=frozenset({"active_backend_id"}),
    ),
    Resource(
        path="/os-hosts",
        key="host",
        keys="hosts",
        kind="volume_host",
        ids=Ids.NAME,
        id_field="host_name",
        # Beside projects there is "(total)".
        refs={"zone": ZONE, "resource.project": PROJECT},
    ),
    Resource(
        path="/clusters",
        key="cluster",
        keys="clusters",
        ids=Ids.NAME,
        id_field="name",
        details=("detail", "enable", "disable"),
        opaque=frozenset({"active_backend_id"}),
    ),
    Resource(
        path="/workers/cleanup",
        key="cleanup",
        bare=True,
        refs={"resource_id": By("resource_type", {"Volume": "volume", "Snapshot": "snapshot"})},
        # The services at work, by numbers of database rows.
        opaque=frozenset({"service_id", "cleaning[].id", "unavailable[].id"}),
    ),
    Resource(
        path="/scheduler-stats/get_pools",
        key="pool",
        keys="pools",
        kind="volume_pool",
        ids=Ids.NAME,
        id_field="name",
    ),
    Resource(
        path="/capabilities",
        key="capability",
        keys="capabilities",
        kind="volume_backend_capability",
        ids=Ids.NAME,
        id_field="",
        bare=True,
    ),
    Resource(
        path="/manageable_volumes",
        key="volume",
        keys="manageable-volumes",
        kind="manageable_volume",
        ids=Ids.NAME,
        id_field="",
        details=("detail",),
        refs={"cinder_id": "volume", "id": "volume", "availability_zone": ZONE},
        request_refs={"volume_type": "volume_type"},
    ),
    Resource(
        path="/manageable_snapshots",
        key="snapshot",
        keys="manageable-snapshots",
        kind="manageable_snapshot",
        ids=Ids.NAME,
        id_field="",
        details=("detail",),
        refs={"cinder_id": "snapshot", "id": "snapshot", "volume_id": "volume"},
        # What the backend calls them; Cinder's default names hold IDs, as text.
        opaque=frozenset({"reference", "source_reference"}),
    ),
)

SERVICE = Service(
    type="block-storage",
    prefix="/volume",
    version="/v3",
    aliases=("volumev3",),
    project_in_path=True,
    microversion="volume",
    faults="nova",
    taxonomy="storage/block",
    resources=(
        VOLUME,
        Resource(path="/volumes/summary", key="volume-summary", merge=Merge.NUMBERS),
        *_COPIES,
        *_METADATA,
        *_DEFAULT_TYPES,
        *_TYPES,
        *_GROUPS,
        *_PROJECTS,
        *_ADMIN,
    ),
)
