"""A real gateway before the real home: paris trusts the OpenID Connect provider, tokyo trusts home."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.adversarial.gateways import GatewayProcess
from tests.conftest import running_redis
from tests.logins.estate import Estate, Home, new_home
from tests.session.openid import exchange_at, issuer_of

SECRET = "0123456789abcdef" * 3


@pytest.fixture(scope="package")
def home(lab: Path) -> Iterator[Home]:
    """Home, and a domain of our own there."""
    with new_home(lab) as home:
        yield home


@pytest.fixture(scope="package")
def estate(lab: Path, home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """Two gateway processes on one Redis and one secret."""
    folder = tmp_path_factory.mktemp("logins")
    clouds = yaml.safe_load(lab.read_text())["clouds"]
    clouds["paris"]["federation"] = {
        "strategy": "oidc",
        "identity_provider": "corp",
        "token_exchange": exchange_at(home.url),
    }
    path = folder / "clouds.yaml"
    path.write_text(yaml.safe_dump({"clouds": clouds}))
    secret = folder / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    with running_redis(folder) as redis_url:
        processes = [
            GatewayProcess(path, folder, redis_url, secret_file="secret", revalidate_seconds=1)
            for _ in range(2)
        ]
        try:
            for process in processes:
                process.start()
            urls = [process.url for process in processes]
            logs = [each.log for each in processes]
            issuer = issuer_of(home.url)
            yield Estate(urls[0], urls[1], issuer, logs, redis_url, SECRET.encode())
        finally:
            for process in processes:
                process.stop()
