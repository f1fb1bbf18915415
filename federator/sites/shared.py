"""Whether a site has a part in objects that the daemons keep alike (`idmap.desired`).

What they are to be like is kept by the names of sites, and addresses are leased to sites: such a site cannot
get another name, or leave, behind the daemons' backs.
"""

from collections.abc import Iterable

from adapters.errors import SettingsError
from idmap.redis_desired import RedisDesiredStore
from idmap.sites import SiteKey


async def check_unshared(redis: str, sites: Iterable[SiteKey], site: str) -> None:
    """Raise SettingsError if the site has a part in anything shared. Raises StoreUnavailable."""
    store = RedisDesiredStore(redis, sites)
    try:
        entries = await store.all()
    finally:
        await store.close()
    names = [each.global_id for each in entries if site in (each.anchor, *each.sites)]
    if names:
        some = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        raise SettingsError(
            f"{site} has a part in {len(names)} objects that are kept alike at several sites ({some}); "
            "this is not possible as long as it has"
        )
