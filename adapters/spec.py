"""The words a service file is written in.

A service is data: which paths it has, which fields hold IDs of what, and how answers of many sites become one.
Everything else in the house is written once against these words.

Field paths
    ``a.b``      field b of object a              ``a[]``     each element of the list a
    ``a{}``      each *key* of the object a       ``a{*}.b``  field b of each *value* of the object a
    A path is relative to one item, that is to what stands under `Resource.key` or in `Resource.keys`.

Kinds
    The kind of an object is the singular `key` of its resource ("server", "floatingip"). Some kinds are not
    objects of a service: PROJECT and USER (home's ID outside, the site's inside), ZONE (an availability zone,
    a name that carries its site).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

PROJECT = "project"
USER = "user"
ZONE = "availability_zone"

Refs = Mapping[str, str]
"""Field path -> kind of the object the ID there belongs to."""


class Ids(Enum):
    """What the IDs of a kind look like, and so how they become global."""

    UUID = "UUIDs: computed"
    NAME = "names that mean the same at every site (keypairs): left as they are"
    CHOSEN = "names or UUIDs chosen by somebody (flavors): UUIDs are computed, names left, clashes get @site"
    NUMBER = "plain numbers of one site (aggregates): local * 1000 + number of the site"


class Merge(Enum):
    """How the answers of many sites to one GET become one answer."""

    CONCAT = "all items, in one list"
    NUMBERS = "numbers added up, by the rules of design section 6"
    INTERSECT = "the items, by `alias`, that every site has"
    FIRST = "any one answer, they are alike"


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of object of a service, or one document (limits, quotas).

    A path may nest: ``/servers/{server}/os-volume_attachments``; the name in braces is a kind.
    """

    path: str
    key: str
    """Singular wrapper and kind. Where two kinds of a service would share it, `kind` tells them apart."""
    keys: str = ""
    """Plural wrapper in lists; empty for a document."""
    kind: str = ""
    """Defaults to `key`."""
    ids: Ids = Ids.UUID
    id_field: str = "id"
    refs: Refs = field(default_factory=dict)
    """Fields that hold IDs, in requests and replies alike, beside `id_field`."""
    opaque: frozenset[str] = frozenset()
    """Top-level fields that look like IDs and are none of ours: left as they are."""
    embeds: Mapping[str, str] = field(default_factory=dict)
    """Field path -> kind of a whole object of this service that stands there."""
    filters: Refs = field(default_factory=dict)
    """Query parameters that hold IDs, beside the top-level `refs` of the same name."""
    actions: Mapping[str, Refs] = field(default_factory=dict)
    """``POST .../{id}/action``: name of the action -> IDs in its argument, and in the reply to it."""
    bare: bool = False
    """The object stands in bodies without a wrapper (Glance, Placement)."""
    details: tuple[str, ...] = ()
    """Further list paths below `path`: ("detail",)."""
    merge: Merge = Merge.CONCAT
    order: tuple[str, ...] = ()
    """Default order of the service's own lists: ("created_at:desc", "id:desc"). Empty: as each site says."""
    lowest: frozenset[str] = frozenset()
    """Merge.NUMBERS: fields of which the lowest counts (limits per object); all others add up."""
    index: str = ""
    """What the gateway's account asks to see every object of this kind at a site, for a rebuild of the map:
    path and query, ``/servers?all_tenants=1``. Empty: the kind is found inside another (rules in groups) or
    its IDs need no way back."""
    equal_by: tuple[str, ...] = ()
    """Objects of two sites in which these fields are equal (and not empty) are one to the tenant."""
    equal_if: Mapping[str, object] = field(default_factory=dict)
    """... but only those in which these fields have these values (networks: ``router:external`` true)."""

    def __post_init__(self) -> None:
        if not self.kind:
            object.__setattr__(self, "kind", self.key)


@dataclass(frozen=True, slots=True)
class Service:
    """One OpenStack service as clients of the federation see it."""

    type: str
    """Official type (service-types authority)."""
    prefix: str
    """Path below our own root: "/compute"."""
    version: str
    """Path of the API version below `prefix`: "/v2.1"; empty where there is none (Placement)."""
    resources: tuple[Resource, ...]
    aliases: tuple[str, ...] = ()
    """Further types under which clients look in the catalogue ("volumev3")."""
    project_in_path: bool = False
    """The catalogue URL ends with the project's ID, and so may every path (Cinder)."""
    microversion: str | None = None
    """The service's name in ``OpenStack-API-Version``."""
    legacy_microversion_header: str | None = None
    faults: str = "error"
    """How the service writes an error; the shapes are in `federator.faults`."""

    def resource(self, kind: str) -> Resource:
        """The resource of this kind. Raises KeyError."""
        for resource in self.resources:
            if resource.kind == kind:
                return resource
        raise KeyError(kind)
