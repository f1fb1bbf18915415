"""What is known of a change once a site was asked for it, and what is not."""

from collections.abc import Iterator
from contextlib import contextmanager

from federator.asker import Question
from federator.call import SiteReply
from federator.faults import Conflict, Timeout, Unavailable
from idmap.store import StoreUnavailable


def may_be_done(reply: SiteReply) -> bool:
    """Whether nobody knows if a site has done what it gives an error for: the daemon of the anchor will look.

    Who says that there is nobody to do it has done nothing.
    """
    return reply.status >= 500 and reply.status != 503


@contextmanager
def made(question: Question, site: str) -> Iterator[None]:
    """A site has done what it was asked. What goes wrong from here on is no reason to ask for it again: of what
    is made there would be two. Raises Timeout."""
    try:
        yield
    except (StoreUnavailable, Conflict, Unavailable) as error:
        raise Timeout(
            f"The site {site} has done it, and it is not known yet where else it is to be ({error})."
            f" Look before you repeat it ({question.request_id})."
        ) from error
