"""Asks an older site what a newer one is asked, by the quirks between the two.

The quirks stand one above the other, each in the words of its own release: what one asks, the next older one
answers, down to the site. Look-ups hold for a minute, for the same token.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass, field, replace

from cachetools import TTLCache

from adapters.errors import SiteUnreachable
from adapters.quirk import Asked, Quirk, Said

Ask = Callable[[Asked], Awaitable[Said]]
"""Puts one question to the site itself. Raises SiteUnreachable."""

_AT_A_TIME = 8
"""Look-ups for one answer."""
_HOLD_SECONDS = 60.0
_MOST_HELD = 5000


@dataclass(slots=True)
class Lifting:
    """The way through the quirks, and what was looked up on it."""

    _held: MutableMapping[tuple[str, ...], Said] = field(
        default_factory=lambda: TTLCache(_MOST_HELD, _HOLD_SECONDS)
    )

    async def answer(
        self, quirks: Sequence[Quirk], asked: Asked, ask: Ask, who: tuple[str, ...]
    ) -> Said:
        """The answer to a question. `quirks`: the one of the oldest release first.

        `who` is told apart by site and token: what one may see, another may not. Raises SiteUnreachable.
        """
        turns = asyncio.Semaphore(_AT_A_TIME)

        async def at_site(question: Asked) -> Said:
            async with turns:
                return await ask(question)

        async def below(level: int, question: Asked) -> Said:
            if not level:
                return await at_site(question)
            quirk = quirks[level - 1]
            if quirk.alias and question.path.startswith("/extensions"):
                return _listed(quirk, question, await below(level - 1, question))
            if quirk.lift is None or not quirk.concerns(question):
                return await below(level - 1, question)
            steps = quirk.lift(question)
            try:
                wanted = next(steps)
                while True:
                    found = await asyncio.gather(*(held(level - 1, each) for each in wanted))
                    wanted = steps.send(found)
            except StopIteration as done:
                said: Said = done.value
                return said

        async def held(level: int, question: Asked) -> Said:
            if not question.holds:
                return await below(level, question)
            key = (*who, str(level), question.path, question.query)
            known = self._held.get(key)
            if known is None:
                try:
                    known = await below(level, replace(question, holds=False))
                except SiteUnreachable:
                    return Said(503)
                if known.status < 500:
                    self._held[key] = known
            return known

        return await below(len(quirks), asked)


def _listed(quirk: Quirk, asked: Asked, said: Said) -> Said:
    """The extension that a quirk stands for, among those of the site."""
    if asked.path.rstrip("/") == "/extensions":
        known = said.listed("extensions")
        if known is None:
            return said
        return replace(said, body={**said.body, "extensions": [*known, dict(quirk.extension)]})
    if said.status == 404 and asked.path.rstrip("/") == f"/extensions/{quirk.alias}":
        return Said(200, {"extension": dict(quirk.extension)})
    return said
