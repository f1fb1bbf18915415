"""What has ended at home: acted on here, and told to the other gateway processes.

Each process asks home again by itself after `revalidate_seconds`; what is told makes it sooner. So a
message that is lost costs seconds, and one that is wrong a question to home: nothing ends that home
does not end.
"""

import asyncio
import logging
import random
from contextlib import aclosing
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple
from uuid import uuid4

from adapters.home import HomeClient
from idmap.news import News
from idmap.store import StoreUnavailable

_log = logging.getLogger(__name__)

_LONGEST = 256
"""Characters of an ID; Keystone's have 64 at most."""


class What(StrEnum):
    """What may end, or become less."""

    TOKEN = "token"
    USER = "user"
    PROJECT = "project"
    ANYTHING = "anything"


class Ending(NamedTuple):
    """Something that has changed at home, so that logins may be worth less than they were."""

    what: What
    id: str = ""
    """Of the user or project; of a token its SHA-256 in hex: it is written and sent in the open."""

    @classmethod
    def of_token(cls, token: str) -> "Ending":
        """This token was revoked."""
        return cls(What.TOKEN, sha256(token.encode(errors="surrogateescape")).hexdigest())


class Endings:
    """Takes in what has ended, from our own clients and from the other processes."""

    def __init__(self, home: HomeClient, news: News) -> None:
        self._home = home
        self._news = news
        self._name = uuid4().hex

    async def happened(self, ending: Ending) -> None:
        """Act on it, and tell the others."""
        self._act(ending)
        try:
            await self._news.tell(f"{self._name} {ending.what} {ending.id}".encode())
        except StoreUnavailable as error:
            _log.warning("the other processes learn only from home what has ended: %s", error)

    async def listen(self) -> None:
        """Hear what the others tell, for ever."""
        while True:
            try:
                async with aclosing(self._news.heard()) as messages:
                    async for message in messages:
                        self._heard(message)
            except StoreUnavailable as error:
                _log.warning("what the other processes tell cannot be heard: %s", error)
            await asyncio.sleep(random.uniform(0.5, 2.0))

    def _heard(self, message: bytes) -> None:
        try:
            name, what, about = message.decode().split(" ")
            ending = Ending(What(what), about[:_LONGEST])
            if name != self._name:
                self._act(ending)
        except ValueError:
            _log.warning("news that nobody of us can have told")

    def _act(self, ending: Ending) -> None:
        match ending.what:
            case What.TOKEN:
                self._home.forget_hash(ending.id)
            case What.USER:
                self._home.doubt(user_id=ending.id)
            case What.PROJECT:
                self._home.doubt(project_id=ending.id)
            case What.ANYTHING:
                self._home.doubt()
