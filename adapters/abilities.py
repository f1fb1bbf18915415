"""What all sites can do: what they say of themselves, and what the quirks add to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from adapters.extensions import Extensions
from adapters.probe import Probe, SiteVersions
from adapters.profile import Profile, common_extensions, highest, in_force, parsed
from adapters.quirk import Quirk

_Told = tuple[SiteVersions | None, frozenset[str] | None]


@dataclass(slots=True)
class Abilities:
    """Of every service of every site."""

    probe: Probe
    extensions: Extensions
    sites: Sequence[str]
    quirks: Mapping[str, tuple[Quirk, ...]]
    """By service type."""
    _memo: dict[tuple[str, str], tuple[_Told, Profile]] = field(default_factory=dict)
    _wanted: dict[str, tuple[int, tuple[Quirk, ...]]] = field(default_factory=dict)

    def profile(self, site: str, service_type: str) -> Profile:
        """What a service says of itself, as far as that is known."""
        told = self.probe.document(site, service_type), self.extensions.of(site, service_type)
        known = self._memo.get((site, service_type))
        # They are replaced when they are asked for again, so mostly these are the same objects.
        if known is not None and known[0][0] is told[0] and known[0][1] is told[1]:
            return known[1]
        versions, aliases = told
        profile = Profile(
            highest=highest(versions.versions) if versions is not None else None,
            extensions=aliases,
        )
        self._memo[site, service_type] = told, profile
        return profile

    def profiles(self, service_type: str) -> dict[str, Profile]:
        """The same of all sites, in configured order."""
        return {site: self.profile(site, service_type) for site in self.sites}

    def quirks_of(self, service_type: str) -> Sequence[Quirk]:
        """Those of microversions, and of extensions that some site has: what nobody has is not offered."""
        known = self._wanted.get(service_type)
        if known is not None and known[0] == self.extensions.changes:
            return known[1]
        own = [self.extensions.of(site, service_type) or () for site in self.sites]
        quirks = tuple(
            each
            for each in self.quirks.get(service_type, ())
            if not each.alias or any(each.alias in one for one in own)
        )
        self._wanted[service_type] = self.extensions.changes, quirks
        return quirks

    def in_force(self, site: str, service_type: str, microversion: str) -> tuple[Quirk, ...]:
        """The quirks between a site and a question in this microversion; empty: in none."""
        quirks = self.quirks_of(service_type)
        if not quirks:
            return ()
        return in_force(self.profile(site, service_type), parsed(microversion), quirks)

    def common_extensions(self, service_type: str) -> frozenset[str] | None:
        """The extensions that all sites have, by themselves or lifted; None if no site told."""
        return common_extensions(self.profiles(service_type).values(), self.quirks_of(service_type))
