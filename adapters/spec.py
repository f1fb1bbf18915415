"""The words a service file is written in.

A service is data: which paths it has, which fields hold IDs of what, and how answers of many sites
become one. Everything else in the house is written once against these words.

Field paths
    ``a.b``      field b of object a              ``a[]``     each element of the list a
    ``a{}``      each *key* of the object a       ``a{*}.b``  field b of each *value* of the object a
    A path is relative to one item, that is to what stands under `Resource.key` or in
    `Resource.keys`. Where a service has two forms of one field (a list in old microversions, an
    object in new ones) both are declared; the one that does not fit a body is passed over.

Kinds
    The kind of an object is the singular `key` of its resource ("server", "floatingip"). A kind
    belongs to one service only, so that a reference needs no service beside it; where two would
    share the key, `Resource.kind` tells them apart ("network_flavor"). Some kinds are not objects
    of a service: PROJECT and USER (home's ID outside, the site's inside), ZONE (an availability
    zone, a name that carries its site), ANY (an object of a kind that nobody tells), LINK (a URL).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

PROJECT = "project"
USER = "user"
ZONE = "availability_zone"
ANY = "any"
LINK = "link"

KINDS_OF_NO_SERVICE = frozenset({PROJECT, USER, ZONE, ANY, LINK})


@dataclass(frozen=True, slots=True)
class By:
    """The kind of an ID told by a field that stands beside it.

    ``"block_device_mapping_v2[].uuid": By("source_type", {"image": "image", ...})``. A value that
    is not listed (or no such field) makes it ANY.
    """

    sibling: str
    kinds: Mapping[str, str]


Refs = Mapping[str, str | By]
"""Field path -> kind of the object the ID there belongs to."""


class Ids(Enum):
    """What the IDs of a kind look like, and so how they become global."""

    UUID = "UUIDs: computed"
    NAME = "names that mean the same at every site (keypairs): left as they are"
    CHOSEN = "names or UUIDs chosen by somebody (flavors): UUIDs computed, names left, clash: @site"
    NUMBER = "plain numbers of one site (aggregates): local * 1000 + number of the site"
    """Several kinds got UUIDs later on (hypervisors from 2.53): such a value is treated as one."""


class Merge(Enum):
    """How the answers of many sites to one GET become one answer."""

    CONCAT = "all items, in one list"
    NUMBERS = "numbers added up, by the rules of design section 6"
    INTERSECT = "the items, by `alias`, that every site has"
    FIRST = "any one answer, they are alike"


class Plug(Enum):
    """What a verb does to the object in its path."""

    IN = "plugs it into what the body names"
    OUT = "unplugs it from what the body names"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Resource:
    """One kind of object of a service, or one document (limits, quotas, the body of a verb).

    A path may nest: ``/servers/{server}/os-volume_attachments``; the name in braces is a kind. A
    document has no `keys`: nothing stands below its path, and it has no ID of its own unless
    `refs` says so. Verbs with a path of their own (``/routers/{router}/add_router_interface``) are
    documents too.
    """

    path: str
    key: str
    """Singular wrapper and kind."""
    keys: str = ""
    """Plural wrapper in lists; empty for a document."""
    kind: str = ""
    """Defaults to `key`."""
    ids: Ids = Ids.UUID
    id_field: str = "id"
    id_kind: str = ""
    """The kind whose IDs stand in the path and in `id_field`, where it is another one's: the
    members of an image are named by project. Defaults to `kind`."""
    id_from_client: bool = False
    """Clients may choose the ID of what they make (images). It stays the global ID."""
    refs: Refs = field(default_factory=dict)
    """Fields that hold IDs, in requests and replies alike, beside `id_field`."""
    request_refs: Refs = field(default_factory=dict)
    """Fields that hold IDs in requests only: in replies the same field is text. Mostly
    name-or-ID (``security_groups[].name`` of a server to create)."""
    siblings: Mapping[str, Refs] = field(default_factory=dict)
    """Keys that stand beside the wrapper in a body -> the IDs in them (scheduler hints)."""
    opaque: frozenset[str] = frozenset()
    """Field paths that look like IDs and are none of ours: left as they are."""
    embeds: Mapping[str, str] = field(default_factory=dict)
    """Field path -> kind of a whole object of this service that stands there."""
    filters: Refs = field(default_factory=dict)
    """Query parameters that hold IDs, beside the top-level `refs` of the same name, `id_field` and
    ``marker``. ``x*`` stands for every parameter that begins with x."""
    patterns: frozenset[str] = frozenset()
    """Query parameters that are regular expressions (the name of servers)."""
    actions: Mapping[str, Refs] = field(default_factory=dict)
    """``POST .../{id}/action``: name of the action -> IDs in its argument, and in its reply."""
    bare: bool = False
    """The object stands in bodies without a wrapper (Glance, Placement)."""
    wrapped: bool = False
    """In lists each item has the wrapper `key` once more (keypairs)."""
    details: tuple[str, ...] = ()
    """Further paths below `path` with bodies of the same form: ("detail",)."""
    merge: Merge = Merge.CONCAT
    order: tuple[str, ...] = ()
    """Default order of the service's own lists: ("created_at:desc", "id:desc"). Empty: as each
    site says."""
    brief: tuple[str, ...] = ()
    """The fields of an item in lists that have a longer form in `details`: what they are sorted by is seen
    there only."""
    marker_field: str = ""
    """The field that a marker names, where it is not `id_field` (migrations)."""
    links: str = ""
    """What the links to neighbouring pages are called, where not ``<keys>_links``."""
    sort_fields: Mapping[str, str] = field(default_factory=dict)
    """Sort keys that are not called like the field they mean: ``created_at`` -> ``created``."""
    lowest: frozenset[str] = frozenset()
    """Merge.NUMBERS: fields of which the lowest counts (limits per object); all others add up."""
    usage: str = ""
    """Merge.NUMBERS that can be set (quotas): what to add to the path to be told what is used as well."""
    index: str = ""
    """What the gateway's account asks to see every object of this kind at a site, for a rebuild of
    the map: path and query, ``/servers?all_tenants=1``. Empty: the kind is found inside another
    (rules in groups) or its IDs need no way back."""
    index_microversion: str = ""
    """... and in which microversion, where the usual one does not show what is `kept`."""
    told: Mapping[str, str] = field(default_factory=dict)
    """Merge.NUMBERS: what clients ask -> what the gateway's account asks to be told the same of another
    project (``{project}``), so that it is known while the site is away. Paths, with the query."""
    ranged: bool = False
    """Merge.NUMBERS: what was used between two moments that the query names (``start`` and ``end``)."""
    kept: tuple[str, ...] = ()
    """Fields that are remembered, so that the object can be shown while its site is away: what it is called,
    what it is made of, where it is to be reached. Never metadata, user data, or anything secret."""
    owner: str = ""
    """The kept field with the project whose object it is. Empty: it belongs to nobody."""
    everybodys_if: Mapping[str, object] = field(default_factory=dict)
    """Fields and values any of which makes an object everybody's (public images, shared networks)."""
    while_away: Mapping[str, object] = field(default_factory=dict)
    """What these fields show while the site is away."""
    equal_by: tuple[str, ...] = ()
    """Objects of two sites in which these fields, in global form, are equal are one to the tenant.
    The first must not be empty: without a value there nothing is proved."""
    equal_if: Mapping[str, object] = field(default_factory=dict)
    """... but only those in which these fields have these values."""
    equal_within: str = ""
    """... and only those whose parent, to which this field refers, is itself one at several sites
    (the rules of a default group). They are made at each of its sites."""
    synced: tuple[str, ...] = ()
    """Of a shared kind: the fields that are alike at every site, as they may be changed."""
    born: tuple[str, ...] = ()
    """... and those that it is made with and keeps. Kinds with neither live at one site."""
    everywhere_if: Mapping[str, object] = field(default_factory=dict)
    """Fields and values with all of which a new one is made at every site from the start: it is for all."""
    part_of: str = ""
    """The field with the object that it is a part of, without which it is nothing (subnets of a network)."""
    elsewhere: str = ""
    """What helps somebody who wants to join one with what is at another site: that is a conflict, then."""
    tagged: bool = False
    """Whether the service keeps tags on it."""
    plug: Plug | None = None
    """Of a verb: whether it plugs the object in its path into something, which is to be wherever that is."""

    def __post_init__(self) -> None:
        if not self.kind:
            object.__setattr__(self, "kind", self.key)
        if not self.id_kind:
            object.__setattr__(self, "id_kind", self.kind)

    def __repr__(self) -> str:
        return f"<{self.kind} {self.path}>"

    @property
    def shared(self) -> bool:
        """Whether one object may have replicas at several sites, which are kept alike."""
        return bool(self.synced or self.born)

    @property
    def document(self) -> bool:
        """Whether this is one thing at one path, not a collection."""
        return not self.keys


@dataclass(frozen=True, slots=True, eq=False, repr=False)
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
    taxonomy: str = ""
    """What the service is in CADF's taxonomy, below "service/": "storage/block". Defaults to `type`."""
    faults: str = "error"
    """How the service writes an error; the shapes are in `federator.faults`."""

    def __repr__(self) -> str:
        return f"<{self.type}>"

    def resource(self, kind: str) -> Resource:
        """The resource of this kind. Raises KeyError."""
        for resource in self.resources:
            if resource.kind == kind:
                return resource
        raise KeyError(kind)
