"""Placement: what there is to consume at the sites, and who consumes it.

A consumer is a server, its ID the server's. Resource classes and traits are names that mean the same
everywhere. A resource provider of the top level is a hypervisor: the same UUID, so the same global ID,
though Nova calls the kind by another name. Aggregates are told by their UUIDs here.
"""

from adapters.spec import PROJECT, USER, Ids, Merge, Resource, Service

_ALLOCATIONS = {
    # Lists before microversion 1.12, objects by provider from then on.
    "allocations{}": "resource_provider",
    "allocations[].resource_provider.uuid": "resource_provider",
    "mappings{*}[]": "resource_provider",
    "project_id": PROJECT,
    "user_id": USER,
}

_OF_A_PROVIDER = (
    Resource(
        path="/resource_providers/{resource_provider}/inventories",
        key="inventory",
        keys="inventories",
        ids=Ids.NAME,
        id_field="",
        bare=True,
    ),
    Resource(
        path="/resource_providers/{resource_provider}/allocations",
        key="provider_allocations",
        bare=True,
        refs={"allocations{}": "server"},
    ),
    Resource(
        path="/resource_providers/{resource_provider}/aggregates",
        key="provider_aggregates",
        bare=True,
        refs={"aggregates[]": "aggregate"},
    ),
    *(
        Resource(
            path=f"/resource_providers/{{resource_provider}}/{what}",
            key=f"provider_{what}",
            bare=True,
        )
        for what in ("traits", "usages")
    ),
)

SERVICE = Service(
    type="placement",
    prefix="/placement",
    version="",
    microversion="placement",
    faults="errors",
    resources=(
        Resource(
            path="/resource_providers",
            key="resource_provider",
            keys="resource_providers",
            bare=True,
            id_field="uuid",
            refs={
                "parent_provider_uuid": "resource_provider",
                "root_provider_uuid": "resource_provider",
            },
            # `member_of` and `in_tree` of numbered groups have the number of the group behind them.
            filters={"member_of*": "aggregate", "in_tree*": "resource_provider"},
            index="/resource_providers",
        ),
        *_OF_A_PROVIDER,
        Resource(path="/allocations/{server}", key="allocations", bare=True, refs=_ALLOCATIONS),
        Resource(
            path="/allocations",
            key="bulk_allocations",
            bare=True,
            # Several consumers in one request; their IDs are the keys of the body.
            refs={"{}": "server", **{f"{{*}}.{path}": kind for path, kind in _ALLOCATIONS.items()}},
        ),
        Resource(
            path="/reshaper",
            key="reshaper",
            bare=True,
            refs={
                "inventories{}": "resource_provider",
                "allocations{}": "server",
                **{f"allocations{{*}}.{path}": kind for path, kind in _ALLOCATIONS.items()},
            },
        ),
        Resource(
            path="/allocation_candidates",
            key="allocation_candidates",
            bare=True,
            refs={
                **{f"allocation_requests[].{path}": kind for path, kind in _ALLOCATIONS.items()},
                "provider_summaries{}": "resource_provider",
                "provider_summaries{*}.parent_provider_uuid": "resource_provider",
                "provider_summaries{*}.root_provider_uuid": "resource_provider",
            },
            filters={"member_of*": "aggregate", "in_tree*": "resource_provider"},
        ),
        Resource(
            path="/usages",
            key="usages",
            kind="placement_usages",
            bare=True,
            filters={"project_id": PROJECT, "user_id": USER},
            merge=Merge.NUMBERS,
        ),
        *(
            Resource(
                path=f"/{keys}",
                key=key,
                keys=keys,
                bare=True,
                ids=Ids.NAME,
                id_field="name",
                merge=Merge.FIRST,
            )
            for key, keys in (("trait", "traits"), ("resource_class", "resource_classes"))
        ),
    ),
)
