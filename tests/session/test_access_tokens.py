"""Which access token a token of home was made with, in one gateway process and in several."""

from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import orjson
import pytest
import redis

from adapters.access_tokens import AccessTokens, end_of
from idmap.notes import RedisNotes
from idmap.store import StoreUnavailable

SECRET = b"s" * 32
LATER = datetime.now(UTC) + timedelta(days=1)

Process = Callable[..., AccessTokens]


@pytest.fixture
async def process(redis_url: str) -> AsyncIterator[Process]:
    """A further gateway process on the same Redis."""
    async with AsyncExitStack() as stack:

        def start(secret: bytes | None = SECRET) -> AccessTokens:
            notes = RedisNotes(redis_url)
            stack.push_async_callback(notes.close)
            return AccessTokens(notes, secret)

        yield start


def jwt(**claims: object) -> str:
    return f"e30.{urlsafe_b64encode(orjson.dumps(claims)).decode().rstrip('=')}.c2ln"


async def test_another_process_knows_it_too(process: Process) -> None:
    await process().keep("home", "a-secret", LATER)
    found = await process().find("home")
    assert found is not None
    assert (found.token, found.ends) == ("a-secret", LATER)
    assert "a-secret" not in repr(found)


async def test_it_follows_a_rescoping_in_any_process(process: Process) -> None:
    await process().keep("unscoped", "access", LATER)
    await process().inherit("unscoped", "scoped")
    await process().inherit("unknown", "other")
    found = await process().find("scoped")
    assert found is not None
    assert found.token == "access"
    assert await process().find("other") is None


async def test_a_revoked_token_takes_it_along_and_no_other(process: Process) -> None:
    seen, other = process(), process()
    await seen.keep("unscoped", "access", LATER)
    await seen.inherit("unscoped", "scoped")
    await other.forget("scoped")
    assert await process().find("scoped") is None
    assert await process().find("unscoped") is not None


async def test_it_ends_when_the_first_of_both_tokens_does(process: Process, redis_url: str) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=100)
    await process().keep("home", jwt(exp=soon.timestamp()), LATER)
    found = await process().find("home")
    assert found is not None
    assert abs((found.ends - soon).total_seconds()) < 0.01
    with redis.Redis.from_url(redis_url) as client:
        (key,) = client.keys("federator:note:*")
        assert 90 < client.ttl(key) <= 100
    await process().keep("ended", jwt(exp=1), LATER)
    assert await process().find("ended") is None


async def test_redis_has_nothing_readable_and_nothing_can_be_swapped(
    process: Process, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    keeper = process()
    await keeper.keep("home-of-alice", "access-of-alice", LATER)
    await keeper.keep("home-of-bob", "access-of-bob", LATER)
    with redis.Redis.from_url(redis_url) as client:
        first, second = client.keys("federator:note:*")
        contents = client.mget(first, second)
        everything = b"".join((first, second, *contents))
        assert not [word for word in (b"alice", b"bob", b"home-of") if word in everything]
        client.mset({first: contents[1], second: contents[0]})
    assert await process().find("home-of-alice") is None
    assert await process().find("home-of-bob") is None
    assert await process(b"another secret of many bytes....").find("home-of-bob") is None
    assert "do all processes have one secret_file?" in caplog.text


async def test_without_a_secret_it_stays_in_the_process(process: Process, redis_url: str) -> None:
    alone = process(None)
    await alone.keep("home", "access", LATER)
    assert await alone.find("home") is not None
    assert await process(None).find("home") is None
    with redis.Redis.from_url(redis_url) as client:
        assert client.keys("federator:note:*") == []


async def test_a_login_goes_on_without_redis(caplog: pytest.LogCaptureFixture) -> None:
    notes = RedisNotes("redis://127.0.0.1:9/0")
    tokens = AccessTokens(notes, SECRET)
    await tokens.keep("home", "a-secret", LATER)
    await tokens.inherit("home", "scoped")
    await tokens.inherit("unknown", "other")
    assert await tokens.find("scoped") is not None
    with pytest.raises(StoreUnavailable):
        await tokens.find("other")
    await tokens.forget("home")
    assert "other gateway processes do not learn of an OIDC login" in caplog.text
    assert "a-secret" not in caplog.text
    await notes.close()


@pytest.mark.parametrize(
    "token", ["", "opaque", "a.b.c", jwt(sub="erin"), jwt(exp="x"), "a.bnVsbA.c"]
)
def test_the_end_of_what_is_no_jwt_is_unknown(token: str) -> None:
    assert end_of(token) is None
