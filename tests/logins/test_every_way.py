"""Every login path to every strategy at every release: the table in docs/identity.md."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
import yaml
from keystoneauth1 import session

from adapters.access_tokens import AccessTokens
from adapters.errors import ExchangeRefused
from adapters.mapping import closure
from idmap.notes import RedisNotes
from tests.conftest import missing
from tests.logins.estate import Estate, Home
from tests.logins.ways import LOGINS, WAYS
from tests.session.openid import exchange_at
from tests.session.world import Gateway, clouds_in, gateway_at

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Way(NamedTuple):
    """A strategy at a site."""

    strategy: str
    site: str
    gateway: Gateway


@pytest_asyncio.fixture(loop_scope="module", scope="module", params=WAYS)
async def way(
    request: pytest.FixtureRequest,
    lab: Path,
    estate: Estate,
    home: Home,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Way]:
    """A further gateway, which knows of logins only what those before it left in Redis."""
    strategy, _, site = request.param.partition("-")
    if site not in clouds_in(lab):
        missing(f"site {site} of the lab; start it with python -m lab up --sites {site}")
    settings: dict[str, Any] = {"strategy": strategy}
    if strategy == "oidc":
        settings |= {"identity_provider": "corp", "token_exchange": exchange_at(home.url)}
    path = with_settings(lab, site, settings, tmp_path_factory.mktemp("way"))
    notes = RedisNotes(estate.redis)
    known = AccessTokens(notes, estate.secret)
    async with gateway_at(path, names=[site], secret=estate.secret, access_tokens=known) as made:
        yield Way(strategy, site, made)
    await notes.close()


def with_settings(lab: Path, site: str, settings: dict[str, Any], folder: Path) -> Path:
    clouds = yaml.safe_load(lab.read_text())["clouds"]
    clouds[site]["federation"] = settings
    path = folder / "clouds.yaml"
    path.write_text(yaml.safe_dump({"clouds": clouds}))
    return path


@pytest.fixture(scope="module")
def tokens() -> dict[str, str]:
    """Path -> the token of home that was got by it."""
    return {}


@pytest.mark.parametrize("path", LOGINS)
async def test_a_login_has_the_same_rights_at_the_site(
    way: Way, path: str, tokens: dict[str, str], estate: Estate, home: Home
) -> None:
    if path not in tokens:
        tokens[path] = LOGINS[path](estate, home).get_token(session.Session())
    token = tokens[path]
    identity = await way.gateway.client.validate(token)
    if way.strategy == "oidc" and not path.startswith("v3oidc"):
        with pytest.raises(ExchangeRefused, match="logins by OpenID Connect"):
            await way.gateway.sessions.site_token(identity, way.site)
        return
    given = await way.gateway.sessions.site_token(identity, way.site)
    said = await way.gateway.said_by_site(given)
    assert {role["name"] for role in said["roles"]} == closure(
        identity.roles, {"member": ["reader"]}
    )
    assert identity.user_name in said["user"]["name"]
    assert said["project"]["name"] == identity.project_name
    assert (given.token == token) == (way.strategy == "shared")
