"""One site's Neutron as a daemon sees it: the gateway's own account, raw JSON, errors in the site's words."""

from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import quote

from adapters.account import Account
from adapters.errors import SiteUnreachable
from idmap.desired import Leadership, NotLeading

PAGE = 500


class Refused(Exception):
    """A site does not do what it is asked, and says why."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{text} ({status})")
        self.status = status


class Changed(Refused):
    """... for somebody else has changed the object since it was looked at."""


class Cloud:
    """Calls at one site, below ``/v2.0`` of its Neutron. See `sync.kind.Hand`."""

    def __init__(self, account: Account) -> None:
        self._account = account

    @property
    def site(self) -> str:
        """Its name."""
        return self._account.site

    async def call(
        self, method: str, path: str, json: object = None, *, revision: int | None = None
    ) -> Any:
        """The body of the answer; `revision` is the one that the object must still have.

        Raises Refused, and SiteUnreachable for silence and 5xx.
        """
        headers = {} if revision is None else {"If-Match": f"revision_number={revision}"}
        status, body = await self._account.request(method, "network", path, json, headers=headers)
        if status >= 500:
            raise SiteUnreachable(self.site, f"{method} {path} answers {status}")
        if status == 412:
            raise Changed(status, _text(body))
        if status >= 400:
            raise Refused(status, _text(body))
        return body

    async def pages(self, path: str, keys: str, query: str = "") -> AsyncIterator[list[Any]]:
        """All objects of a list, page by page. Raises Refused and SiteUnreachable: half a list is none."""
        marker = ""
        while True:
            words = [
                word for word in (query, f"limit={PAGE}", marker and f"marker={marker}") if word
            ]
            body = await self.call("GET", f"{path}?{'&'.join(words)}")
            items = body.get(keys) if isinstance(body, Mapping) else None
            if not isinstance(items, list) or not all(isinstance(each, dict) for each in items):
                raise SiteUnreachable(self.site, f"GET {path} gives no list of {keys}")
            yield items
            last = quote(str(items[-1].get("id") or ""), safe="") if items else ""
            # A site may give fewer at once than it is asked for: then only its link tells that more follow.
            more = len(items) >= PAGE or any(
                link.get("rel") == "next" for link in body.get(f"{keys}_links") or ()
            )
            if not more or not last or last == marker:
                return
            marker = last

    async def has(self, path: str, keys: str, query: str = "") -> bool:
        """Whether a list has anything in it."""
        body = await self.call("GET", f"{path}?{query}&limit=1&fields=id")
        return bool(body.get(keys))


class Led:
    """A site for as long as its daemon is the one: what was frozen in a call does no more when it wakes."""

    def __init__(self, cloud: Cloud, lead: Leadership) -> None:
        self._cloud = cloud
        self._lead = lead

    @property
    def site(self) -> str:
        """Its name."""
        return self._cloud.site

    async def call(
        self, method: str, path: str, json: object = None, *, revision: int | None = None
    ) -> Any:
        """See `Cloud.call`. Raises NotLeading, even if the call was made."""
        self._check()
        body = await self._cloud.call(method, path, json, revision=revision)
        self._check()
        return body

    def _check(self) -> None:
        if not self._lead.held:
            raise NotLeading(self.site)


def _text(body: object) -> str:
    if isinstance(body, Mapping):
        error = body.get("NeutronError") or body.get("error")
        if isinstance(error, Mapping) and error.get("message"):
            return str(error["message"])
        if isinstance(error, str):
            return error
    return "it refuses"
