"""Glance: images and their data, who may see them, and the descriptions of their properties.

Every property of an image is a field of the image itself. Those that hold IDs by convention (Nova writes
them into the snapshots of servers) are refs. Opaque by decision: ``block_device_mapping``, a JSON text
that Nova at the same site reads back, ``owner_specified.*`` and every property we do not know. Locations
are URLs of one site's stores and stay.
"""

from adapters.spec import PROJECT, USER, Ids, Merge, Resource, Service

IMAGE = Resource(
    path="/images",
    key="image",
    keys="images",
    bare=True,
    refs={
        "owner": PROJECT,
        "kernel_id": "image",
        "ramdisk_id": "image",
        "instance_uuid": "server",
        "base_image_ref": "image",
        "owner_id": PROJECT,
        "user_id": USER,
    },
    opaque=frozenset(
        {"block_device_mapping", "direct_url", "locations", "img_signature_certificate_uuid"}
    ),
    id_from_client=True,
    order=("created_at:desc", "id:desc"),
    index="/images?visibility=all&member_status=all",
    kept=(
        "name",
        "status",
        "owner",
        "visibility",
        "created_at",
        "updated_at",
        "size",
        "virtual_size",
        "disk_format",
        "container_format",
        "min_disk",
        "min_ram",
        "protected",
        "os_hidden",
        "checksum",
        "os_hash_algo",
        "os_hash_value",
    ),
    owner="owner",
    everybodys_if={"visibility": "public"},
    while_away={"tags": []},
    equal_by=("os_hash_value", "os_hash_algo", "name"),
    equal_if={"visibility": "public"},
)

_OF_AN_IMAGE = (
    Resource(
        path="/images/{image}/members",
        key="member",
        keys="members",
        kind="image_member",
        bare=True,
        id_field="member_id",
        id_kind=PROJECT,
        # A request names the project as `member`, a reply says `member_id`.
        refs={"member": PROJECT, "image_id": "image"},
    ),
    Resource(
        path="/images/{image}/tags",
        key="tag",
        keys="tags",
        kind="image_tag",
        ids=Ids.NAME,
        id_field="",
        bare=True,
    ),
    Resource(
        path="/images/{image}/tasks",
        key="task",
        keys="tasks",
        kind="image_task",
        id_kind="task",
        bare=True,
        refs={
            "image_id": "image",
            "owner": PROJECT,
            "user_id": USER,
            "input.image_id": "image",
            "result.image_id": "image",
        },
        opaque=frozenset({"request_id"}),
    ),
    Resource(
        path="/images/{image}/locations",
        key="location",
        keys="locations",
        kind="image_location",
        ids=Ids.NAME,
        id_field="",
        bare=True,
    ),
    # `glance-direct`, `web-download`, `copy-image`; `glance-download` names an image of another region.
    Resource(
        path="/images/{image}/import",
        key="image_import",
        bare=True,
        opaque=frozenset({"method.glance_image_id"}),
    ),
    *(
        # Data, not JSON.
        Resource(path=f"/images/{{image}}/{what}", key=f"image_{what}", bare=True)
        for what in ("file", "stage")
    ),
    *(
        Resource(path=f"/images/{{image}}/actions/{what}", key=f"image_{what}", bare=True)
        for what in ("deactivate", "reactivate")
    ),
    Resource(
        path="/stores",
        key="store",
        keys="stores",
        kind="image_store",
        ids=Ids.NAME,
        bare=True,
        merge=Merge.FIRST,
    ),
)

_WORK = (
    Resource(
        path="/tasks",
        key="task",
        keys="tasks",
        bare=True,
        refs={
            "owner": PROJECT,
            "image_id": "image",
            "user_id": USER,
            "input.image_id": "image",
            "result.image_id": "image",
        },
        opaque=frozenset({"request_id"}),
        order=("created_at:desc", "id:desc"),
        index="/tasks",
    ),
    Resource(
        path="/cache",
        key="cache",
        keys="cached_images",
        kind="cached_image",
        id_field="image_id",
        id_kind="image",
        bare=True,
        refs={"queued_images[]": "image"},
    ),
)

_DESCRIPTIONS = (
    *(
        Resource(path=f"/schemas/{of}", key=f"schema_of_{of}", bare=True, merge=Merge.FIRST)
        for of in ("images", "image", "members", "member", "tasks", "task")
    ),
    Resource(
        path="/schemas/metadefs",
        key="schema",
        keys="schemas",
        kind="metadef_schema",
        ids=Ids.NAME,
        id_field="",
        bare=True,
        merge=Merge.FIRST,
    ),
    *(
        Resource(path=f"/info/{what}", key=f"info_{what}", bare=True, merge=Merge.FIRST)
        for what in ("stores", "stores/detail", "import", "usage")
    ),
    Resource(
        path="/metadefs/namespaces",
        key="namespace",
        keys="namespaces",
        kind="metadef_namespace",
        ids=Ids.NAME,
        id_field="namespace",
        bare=True,
        refs={"owner": PROJECT},
        merge=Merge.FIRST,
    ),
    *(
        Resource(
            path=f"/metadefs/namespaces/{{metadef_namespace}}/{what}",
            key=what.removesuffix("s"),
            keys=keys,
            kind=f"metadef_{what}",
            ids=Ids.NAME,
            id_field="name",
            bare=True,
            merge=Merge.FIRST,
        )
        for what, keys in (
            ("objects", "objects"),
            ("properties", "properties"),
            ("tags", "tags"),
            ("resource_types", "resource_type_associations"),
        )
    ),
    Resource(
        path="/metadefs/resource_types",
        key="resource_type",
        keys="resource_types",
        kind="metadef_resource_type",
        ids=Ids.NAME,
        id_field="name",
        bare=True,
        merge=Merge.FIRST,
    ),
)

SERVICE = Service(
    type="image",
    prefix="/image",
    version="/v2",
    faults="glance",
    taxonomy="storage/image",
    resources=(IMAGE, *_OF_AN_IMAGE, *_WORK, *_DESCRIPTIONS),
)
