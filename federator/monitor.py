"""What monitoring asks: ``/healthcheck`` and ``/metrics``, at the public port or at a listener of their own."""

import orjson
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from idmap.front import IdMap
from idmap.store import StoreUnavailable


def monitor(ids: IdMap) -> web.Application:
    """The application behind the setting `monitor`."""

    async def health(request: web.Request) -> web.Response:
        return await healthcheck(ids)

    async def numbers(request: web.Request) -> web.Response:
        return metrics_page()

    app = web.Application()
    app.router.add_get("/healthcheck", health)
    app.router.add_get("/metrics", numbers)
    return app


async def healthcheck(ids: IdMap) -> web.Response:
    """200 while the ID map can be asked; the body says whether it is complete."""
    try:
        state = await ids.store.state()
    except StoreUnavailable as error:
        return web.json_response({"status": "DOWN", "id map": str(error)}, status=503)
    body = {"status": "OK", "id map": "complete" if state.complete else "being rebuilt"}
    return web.json_response(body, dumps=lambda each: orjson.dumps(each).decode())


def metrics_page() -> web.Response:
    """The numbers of this process, for Prometheus."""
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
