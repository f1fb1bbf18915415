"""Images much larger than the gateway's memory should ever grow: up, down, in parts, cut off, two at once."""

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import aiohttp
import pytest
import pytest_asyncio
from yarl import URL

from tests.adversarial.client import Login
from tests.adversarial.gateways import SITES, GatewayProcess
from tests.adversarial.realm import Realm

MIB = 1 << 20
LARGE = 300 * MIB
SMALL = 8 * MIB
GROWTH = 60 * MIB
CHUNKED = {"paris": False, "tokyo": True}
"""uWSGI, which Glance of the newest release stands behind, loses a chunk now and then; asked directly, too."""
TYPE = {"Content-Type": "application/octet-stream"}
_PIECE = random.Random(17).randbytes(MIB)


async def data(size: int, seed: int = 0) -> AsyncIterator[bytes]:
    """So many bytes, made as they are sent."""
    for number in range(size // MIB):
        yield number.to_bytes(8, "big") + seed.to_bytes(8, "big") + _PIECE[16:]


async def checksum(pieces: AsyncIterator[bytes]) -> str:
    found = hashlib.md5(usedforsecurity=False)
    async for piece in pieces:
        found.update(piece)
    return found.hexdigest()


@dataclass
class Watched:
    """The most memory that the gateway had, beyond what it had before."""

    growth: int = 0


@asynccontextmanager
async def memory_of(gateway: GatewayProcess) -> AsyncIterator[Watched]:
    watched, before = Watched(), gateway.memory()

    async def watch() -> None:
        while True:
            watched.growth = max(watched.growth, gateway.memory() - before)
            await asyncio.sleep(0.02)

    task = asyncio.create_task(watch())
    try:
        yield watched
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def login(realm: Realm) -> Login:
    """Who uploads."""
    await realm.project("images")
    await realm.user("ivy", images="member")
    return await realm.login("ivy", "images")


async def new_image(login: Login, site: str) -> str:
    image = {"name": "stream", "disk_format": "raw", "container_format": "bare"}
    return str((await login.do("POST", "image", "/images", image, site=site))["id"])


def stated(site: str, size: int) -> int | None:
    """The length that an upload states, if it does."""
    return None if CHUNKED[site] else size


async def upload(
    login: Login, image: str, body: AsyncIterator[bytes], length: int | None = None
) -> int:
    """The status of an upload: chunked, or of a stated length."""
    headers = {"X-Auth-Token": login.token, **TYPE}
    if length is not None:
        headers["Content-Length"] = str(length)
    url = URL(f"{login.bases['image']}/images/{image}/file")
    timeout = aiohttp.ClientTimeout(total=None, sock_read=120)
    async with login.http.put(url, data=body, headers=headers, timeout=timeout) as response:
        await response.read()
        return response.status


@asynccontextmanager
async def download(
    login: Login, image: str, **headers: str
) -> AsyncIterator[aiohttp.ClientResponse]:
    url = f"{login.bases['image']}/images/{image}/file"
    timeout = aiohttp.ClientTimeout(total=None, sock_read=120)
    sent = {"X-Auth-Token": login.token, **headers}
    async with login.http.get(url, headers=sent, timeout=timeout) as response:
        yield response


async def delete(login: Login, image: str) -> None:
    for _ in range(100):
        answer = await login.ask("DELETE", "image", f"/images/{image}")
        if answer.status in (204, 404):
            return
        # Glance needs a moment to see that an upload has ended.
        assert answer.status in (403, 409), answer
        await asyncio.sleep(0.3)
    raise AssertionError("the image cannot be deleted")


@pytest.mark.parametrize("site", SITES)
async def test_a_large_image_needs_no_more_memory_than_a_small_one(
    gateway: GatewayProcess, login: Login, site: str
) -> None:
    image = await new_image(login, site)
    wanted = await checksum(data(LARGE))
    async with memory_of(gateway) as up:
        status = await upload(login, image, data(LARGE), stated(site, LARGE))
    assert status == 204
    shown = await login.get("image", f"/images/{image}")
    assert (shown["status"], shown["size"], shown["checksum"]) == ("active", LARGE, wanted)
    async with memory_of(gateway) as down, download(login, image) as response:
        assert response.status == 200
        assert response.headers["Content-MD5"] == wanted
        assert int(response.headers["Content-Length"]) == LARGE
        assert await checksum(response.content.iter_chunked(MIB)) == wanted
    assert up.growth < GROWTH, f"{up.growth >> 20} MiB more for an upload"
    assert down.growth < GROWTH, f"{down.growth >> 20} MiB more for a download"
    await delete(login, image)


async def test_a_slow_reader_makes_the_gateway_wait_not_grow(
    gateway: GatewayProcess, login: Login
) -> None:
    size = 128 * MIB
    image = await new_image(login, "paris")
    assert await upload(login, image, data(size), size) == 204
    async with memory_of(gateway) as watched, download(login, image) as response:
        await response.content.readexactly(MIB)
        await asyncio.sleep(2)
        rest = 0
        async for piece in response.content.iter_chunked(MIB):
            rest += len(piece)
    assert rest == size - MIB
    assert watched.growth < GROWTH, f"{watched.growth >> 20} MiB more"
    await delete(login, image)


async def test_two_at_once_up_and_down_at_both_sites(gateway: GatewayProcess, login: Login) -> None:
    size = 64 * MIB
    images = [await new_image(login, site) for site in SITES]
    async with memory_of(gateway) as watched:
        statuses = await asyncio.gather(
            *(
                upload(login, image, data(size, seed), stated(SITES[seed], size))
                for seed, image in enumerate(images)
            )
        )
        assert statuses == [204, 204]

        async def down(image: str) -> str:
            async with download(login, image) as response:
                return await checksum(response.content.iter_chunked(MIB))

        found = await asyncio.gather(*(down(image) for image in images * 2))
    assert found == [await checksum(data(size, seed)) for seed in (0, 1)] * 2
    assert watched.growth < 2 * GROWTH, f"{watched.growth >> 20} MiB more"
    await asyncio.gather(*(delete(login, image) for image in images))


@pytest.mark.parametrize("site", SITES)
async def test_parts_and_conditions(login: Login, site: str) -> None:
    image = await new_image(login, site)
    assert await upload(login, image, data(SMALL), stated(site, SMALL)) == 204
    whole = b"".join([piece async for piece in data(SMALL)])
    for asked, start, end in (
        ("bytes=0-99", 0, 100),
        ("bytes=1000-", 1000, SMALL),
        (f"bytes={SMALL - 5}-{SMALL - 1}", SMALL - 5, SMALL),
    ):
        async with download(login, image, Range=asked) as response:
            assert response.status == 206
            assert response.headers["Content-Range"] == f"bytes {start}-{end - 1}/{SMALL}"
            assert await response.read() == whole[start:end]
    async with download(login, image, Range=f"bytes={SMALL + 5}-") as response:
        assert response.status == 416
    again = await login.ask("PUT", "image", f"/images/{image}/file", data=b"again", headers=TYPE)
    assert again.status == 409, again
    await delete(login, image)


async def test_what_is_no_upload_gets_glances_own_answer(login: Login) -> None:
    image = await new_image(login, "tokyo")
    empty = await login.ask("GET", "image", f"/images/{image}/file")
    assert empty.status == 204, empty
    wrong = await login.ask(
        "PUT", "image", f"/images/{image}/file", data=b"{}", headers={"Content-Type": "text/plain"}
    )
    assert wrong.status == 415, wrong
    unknown = "6d1bb5a3-93a9-4bd5-9f5a-0c3d5b4bb0a5"
    for method in ("GET", "PUT"):
        body = b"x" if method == "PUT" else None
        answer = await login.ask(
            method, "image", f"/images/{unknown}/file", data=body, headers=TYPE
        )
        assert answer.status == 404, answer
    nobody = {**TYPE, "X-Auth-Token": "nobody"}
    answer = await login.ask("PUT", "image", f"/images/{image}/file", data=b"x", headers=nobody)
    assert answer.status == 401, answer
    await delete(login, image)


class _Broken(Exception):
    pass


@pytest.mark.parametrize("chunked", [False, True], ids=["stated length", "chunked"])
@pytest.mark.parametrize("site", SITES)
async def test_an_upload_that_breaks_off_is_no_image_and_in_nobodys_way(
    login: Login, site: str, chunked: bool
) -> None:
    async def breaks() -> AsyncIterator[bytes]:
        async for piece in data(SMALL):
            yield piece
        raise _Broken

    image = await new_image(login, site)
    with suppress(_Broken, aiohttp.ClientError):
        await upload(login, image, breaks(), None if chunked else 4 * SMALL)
    shown = await login.get("image", f"/images/{image}")
    assert shown["status"] != "active", shown
    await login.get("compute", "/servers")
    for _ in range(100):
        # Glance takes a little to see that nothing more comes; then it waits for the whole again.
        if await upload(login, image, data(SMALL), stated(site, SMALL)) == 204:
            break
        shown = await login.get("image", f"/images/{image}")
        assert shown["status"] != "active", shown
        if shown["status"] == "killed":
            break
        await asyncio.sleep(0.3)
    shown = await login.get("image", f"/images/{image}")
    assert shown["status"] in ("active", "killed"), shown
    if shown["status"] == "active":
        assert shown["checksum"] == await checksum(data(SMALL))
    await delete(login, image)


@pytest.mark.parametrize("site", SITES)
async def test_a_download_that_breaks_off_harms_nobody(
    gateway: GatewayProcess, login: Login, site: str
) -> None:
    size = 64 * MIB
    image = await new_image(login, site)
    assert await upload(login, image, data(size), size) == 204
    for _ in range(3):
        async with download(login, image) as response:
            await response.content.readexactly(MIB)
            response.close()
    async with memory_of(gateway) as watched, download(login, image) as response:
        assert await checksum(response.content.iter_chunked(MIB)) == await checksum(data(size))
    assert watched.growth < GROWTH
    await delete(login, image)
