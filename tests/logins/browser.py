"""A real Chromium without a screen, told what to do by its own protocol (DevTools)."""

import asyncio
import json
import re
import shutil
from asyncio.subprocess import DEVNULL, PIPE, create_subprocess_exec
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp

from tests.conftest import missing

_ADDRESS = re.compile(r"DevTools listening on (ws://\S+)")
_SECONDS = 60


class Page:
    """One page of the browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, session: str) -> None:
        self._socket = socket
        self._session = session
        self._numbers = count(100)

    async def open(self, url: str) -> None:
        """Go there. Returns before the page is complete."""
        await self._do("Page.navigate", url=url)

    async def address(self) -> str:
        return str(await self.value("location.href"))

    async def value(self, script: str) -> Any:
        """What JavaScript in the page says; None while a page is on its way."""
        said = await self._do("Runtime.evaluate", expression=script, returnByValue=True)
        return said.get("result", {}).get("result", {}).get("value")

    async def until(self, script: str) -> None:
        """Wait until JavaScript in the page says yes."""
        async with asyncio.timeout(_SECONDS):
            while True:
                if await self.value(f"Boolean({script})"):
                    return
                await asyncio.sleep(0.1)

    async def cookies(self) -> list[dict[str, Any]]:
        """All that the browser keeps."""
        said = await self._do("Network.getAllCookies")
        found: list[dict[str, Any]] = said["result"]["cookies"]
        return found

    async def _do(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        call = {"id": number, "method": method, "params": params, "sessionId": self._session}
        return await _asked(self._socket, call)


@asynccontextmanager
async def new_page(folder: Path) -> AsyncIterator[Page]:
    """A page of a browser that has never been used; its profile is in this folder."""
    chromium = shutil.which("chromium")
    if chromium is None:
        missing("chromium")
    words = ("--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0")
    profile = f"--user-data-dir={folder}"
    process = await create_subprocess_exec(
        chromium, *words, profile, "about:blank", stdout=DEVNULL, stderr=PIPE
    )
    try:
        assert process.stderr
        async with asyncio.timeout(_SECONDS):
            found = None
            while found is None:
                line = await process.stderr.readline()
                assert line, "Chromium does not start"
                found = _ADDRESS.search(line.decode(errors="replace"))
        drain = asyncio.create_task(process.stderr.read())
        async with aiohttp.ClientSession() as http, http.ws_connect(found[1]) as socket:
            made = {"id": 1, "method": "Target.createTarget", "params": {"url": "about:blank"}}
            target = (await _asked(socket, made))["result"]["targetId"]
            params = {"targetId": target, "flatten": True}
            attach = {"id": 2, "method": "Target.attachToTarget", "params": params}
            yield Page(socket, (await _asked(socket, attach))["result"]["sessionId"])
    finally:
        process.terminate()
        await process.wait()
    await drain


async def _asked(socket: aiohttp.ClientWebSocketResponse, call: dict[str, Any]) -> dict[str, Any]:
    await socket.send_json(call)
    async with asyncio.timeout(_SECONDS):
        async for message in socket:
            said: dict[str, Any] = json.loads(message.data)
            if said.get("id") == call["id"]:
                return said
    raise AssertionError("Chromium has gone")
