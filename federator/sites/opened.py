"""What the commands about sites work on: the settings, and what Redis knows of the sites."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from adapters.errors import SettingsError
from adapters.pauses import CHANNEL, Pauses
from adapters.sites import Site, load_sites
from federator.config import Settings, load
from idmap.news import RedisNews
from idmap.redis_store import RedisIdStore


@dataclass(frozen=True, slots=True)
class Opened:
    """The sites of federator.yaml, and their part of Redis."""

    settings: Settings
    sites: dict[str, Site]
    store: RedisIdStore
    pauses: Pauses

    def site(self, name: str) -> Site:
        """The site of this name. Raises SettingsError."""
        if name not in self.sites:
            raise SettingsError(f"there is no site {name}; there are {', '.join(self.sites)}")
        return self.sites[name]


@asynccontextmanager
async def opened(config: Path) -> AsyncIterator[Opened]:
    """What the commands work on, while they do. Raises SettingsError."""
    settings = load(config)
    sites = load_sites(settings.clouds, settings.sites)
    keys = [site.key for site in sites.values()]
    store = RedisIdStore(settings.redis, keys, ())
    pauses = Pauses(store, RedisNews(settings.redis, channel=CHANNEL), keys)
    try:
        yield Opened(settings, sites, store, pauses)
    finally:
        await pauses.close()
        await store.close()
