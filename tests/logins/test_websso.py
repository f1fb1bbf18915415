"""Single sign-on in a real browser: dashboard -> gateway -> provider -> gateway -> dashboard."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
import requests
from aiohttp import web
from keystoneauth1 import session
from keystoneauth1.identity import v3

from tests.logins.browser import Page, new_page
from tests.logins.estate import Estate, Home

_DASHBOARD_PORT = 17
"""Of the dashboard that home trusts, counted from home's."""


class Dashboard:
    """Where a browser brings its token, by a form that posts itself."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.tokens: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        form = await request.post()
        self.tokens.append(str(form.get("token")))
        return web.Response(text="<p id=in>You are in.</p>", content_type="text/html")


@pytest.fixture
async def dashboard(home: Home) -> AsyncIterator[Dashboard]:
    address = urlsplit(home.url)
    assert address.port
    port = address.port + _DASHBOARD_PORT
    dashboard = Dashboard(f"http://{address.hostname}:{port}/auth/websso/")
    app = web.Application()
    app.router.add_post("/auth/websso/", dashboard.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield dashboard
    await runner.cleanup()


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    async with new_page(tmp_path / "chromium") as page:
        yield page


PATHS = (
    "/v3/auth/OS-FEDERATION/websso/openid",
    "/v3/auth/OS-FEDERATION/identity_providers/corp/protocols/openid/websso",
)


async def log_in(page: Page, user: str = "erin") -> None:
    """Fill in the provider's own page."""
    await page.until("document.querySelector('input[name=username]')")
    await page.value(f"document.querySelector('input[name=username]').value = '{user}'")
    await page.value(f"document.querySelector('input[name=password]').value = '{user}-secret'")
    await page.value("document.querySelector('form').submit()")


@pytest.mark.parametrize("path", PATHS, ids=["protocol", "provider and protocol"])
async def test_a_browser_brings_the_dashboard_a_token_that_works_here(
    estate: Estate, dashboard: Dashboard, page: Page, path: str
) -> None:
    await page.open(f"{estate.auth_url}{path}?{urlencode({'origin': dashboard.url})}")
    await page.until("document.querySelector('input[name=username]')")
    assert (await page.address()).startswith(f"{estate.issuer}/")
    await log_in(page)
    await page.until("document.querySelector('#in')")
    assert await page.address() == dashboard.url
    (token,) = dashboard.tokens
    scoped = v3.Token(
        estate.auth_url, token=token, project_name="alpha", project_domain_name="acme"
    ).get_access(session.Session())
    assert scoped.username == "erin"
    assert set(scoped.role_names) == {"member", "reader"}
    # What the browser showed the provider's guard before home never passed through the gateway.
    assert estate.missing(scoped.auth_token) == "paris"


async def test_homes_cookies_are_for_homes_pages_alone(
    estate: Estate, dashboard: Dashboard, page: Page
) -> None:
    await page.open(f"{estate.auth_url}{PATHS[0]}?{urlencode({'origin': dashboard.url})}")
    await log_in(page)
    await page.until("document.querySelector('#in')")
    provider = [cookie["name"] for cookie in await page.cookies() if cookie["path"] != "/identity"]
    ours = [cookie for cookie in await page.cookies() if cookie["path"] == "/identity"]
    assert ours
    assert all(cookie["name"].startswith("federator-home-") for cookie in ours)
    assert all(cookie["httpOnly"] for cookie in ours)
    assert not [name for name in provider if "openidc" in name]


async def test_a_dashboard_that_home_does_not_trust_gets_no_token(
    estate: Estate, page: Page
) -> None:
    origin = urlencode({"origin": "http://127.0.0.1:9/auth/websso/"})
    await page.open(f"{estate.auth_url}{PATHS[0]}?{origin}")
    await log_in(page)
    await page.until("document.body && document.body.innerText.includes('requires authentication')")
    assert (await page.address()).startswith(estate.auth_url)
    assert "gAAAA" not in await page.value("document.documentElement.outerHTML")


def test_cookies_of_other_pages_of_our_host_do_not_go_home(estate: Estate) -> None:
    """A cookie that looks like one of home's, but was not set by home through us, changes nothing."""
    url = f"{estate.auth_url}{PATHS[0]}?origin=http://127.0.0.1/"
    for name in ("mod_auth_openidc_session", "sessionid"):
        response = requests.get(url, cookies={name: "x"}, allow_redirects=False, timeout=60)
        assert response.status_code == 302
        assert response.headers["Location"].startswith(f"{estate.issuer}/")


def test_where_the_browser_comes_back_to_is_the_gateway(estate: Estate) -> None:
    headers = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "Host": "evil"}
    url = f"{estate.auth_url}{PATHS[0]}?origin=http://127.0.0.1/"
    response = requests.get(url, headers=headers, allow_redirects=False, timeout=60)
    back = urlencode({"redirect_uri": f"{estate.auth_url}/v3/auth/OS-FEDERATION/openid/redirect"})
    assert back in response.headers["Location"]
    assert "evil" not in response.headers["Location"]
