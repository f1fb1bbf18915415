"""Asks many sites at once; how long one may take for an answer is `federator.asker`'s affair.

A site that is silent, refuses the login or has no such project is an answer too: a `SiteReply` that says why.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from adapters.errors import (
    ExchangeRefused,
    ProjectNotThere,
    ProviderUnreachable,
    SiteSilent,
    SiteUnreachable,
    TokenMixUp,
)
from adapters.spec import Merge
from federator import metrics
from federator.asker import Asker, Exchange, Question, one_request
from federator.call import Call, SiteReply
from federator.faults import Timeout
from federator.lastknown.stand_in import StandIn
from federator.notice import tells_numbers
from federator.paging import Page
from federator.sitelist import pages_for, whole_document
from idmap.store import StoreUnavailable

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Fanout:
    """Puts a question to sites."""

    asker: Asker
    stand_in: StandIn

    async def ask_all(
        self, question: Question, sites: Sequence[str], page: Page | None = None
    ) -> list[SiteReply]:
        """The replies of these sites, in this order. Raises FederationError for the whole call."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._ask_softly(question, site, page)) for site in sites]
        replies = []
        for task in tasks:
            outcome = task.result()
            if isinstance(outcome, Exception):
                raise outcome
            replies.append(outcome)
        return replies

    async def ask(self, question: Question, site: str, page: Page | None = None) -> SiteReply:
        """The reply of one site, with global IDs, all of them in the map.

        Of a site that is away: what is known of its answer. Raises FederationError for what is wrong with
        the caller rather than with the site.
        """
        reply = await self._ask(question, site, page)
        if question.strict or not (reply.away or _broken(question, reply)):
            return reply
        known = await self.stand_in.reply(question, SiteReply(site, missing=_why(reply)), page)
        return known if known.last_known else reply

    async def _ask(self, question: Question, site: str, page: Page | None) -> SiteReply:
        reads = question.call.method in ("GET", "HEAD")
        try:
            exchange = _exchange(question.call, page)
            return await self.asker.answer(question, site, exchange)
        except ProjectNotThere as error:
            return SiteReply(site, missing=error.reason, nothing_there=True)
        except SiteSilent as error:
            return self._unanswered(question, site, error.reason)
        except (SiteUnreachable, ProviderUnreachable, ExchangeRefused, TokenMixUp) as error:
            log.warning("site missing", site=site, reason=error.reason)
            metrics.SITE_MISSING.labels(site).inc()
            # To whom a site refuses its tokens nothing of it is shown.
            return SiteReply(site, missing=error.reason, away=isinstance(error, SiteUnreachable))
        except StoreUnavailable:
            if reads:
                raise
            return self._unanswered(question, site, "and the ID map went away meanwhile")
        except (
            ArithmeticError,
            AttributeError,
            LookupError,
            RecursionError,
            TypeError,
            ValueError,
        ):
            # Whatever shape a site answers in, it must not spoil what the others say.
            log.exception("an answer of a site could not be read", site=site)
            return self._unanswered(question, site, "its answer cannot be understood")

    def _unanswered(self, question: Question, site: str, reason: str) -> SiteReply:
        log.warning("site missing", site=site, reason=reason)
        metrics.SITE_MISSING.labels(site).inc()
        if question.call.method in ("GET", "HEAD"):
            return SiteReply(site, missing=reason, away=True)
        # It may have been done. To say "try again" could make the thing twice.
        raise Timeout(
            f"The site {site} gave no answer ({reason}); whether it did what was asked is not "
            f"known. Look before you repeat it ({question.request_id})."
        )

    async def _ask_softly(
        self, question: Question, site: str, page: Page | None
    ) -> SiteReply | Exception:
        # A TaskGroup would cancel the other sites and wrap the error; the caller wants it as it is.
        try:
            return await self.ask(question, site, page)
        except Exception as error:
            return error


def _exchange(call: Call, page: Page | None) -> Exchange:
    """How to get this answer of a site."""
    if page is not None:
        return one_request if page.paged else pages_for(page)
    of_pages = call.resource is not None and call.resource.merge is Merge.NUMBERS
    return whole_document if of_pages and call.method == "GET" and call.object_id else one_request


def _broken(question: Question, reply: SiteReply) -> bool:
    """Whether a site owes its part of a merged answer: it answers, but not with that."""
    merges = question.call.is_list or tells_numbers(question.call)
    return merges and (reply.status >= 500 or reply.status == 429)


def _why(reply: SiteReply) -> str:
    return reply.missing or f"it answers {reply.status}"
