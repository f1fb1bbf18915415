"""A wrong setting is one clear line; a right one means what it says."""

from pathlib import Path

import pytest

from adapters.errors import SettingsError
from federator.config import load


def write(folder: Path, text: str) -> Path:
    path = folder / "federator.yaml"
    path.write_text(text)
    return path


def test_what_is_not_said_has_a_default(tmp_path):
    settings = load(write(tmp_path, "sites: [paris, tokyo]"))

    assert settings.address == ("127.0.0.1", 8780)
    assert settings.public_base == "http://127.0.0.1:8780"
    assert settings.clouds == tmp_path / "clouds.yaml"


def test_ipv6_and_a_public_url(tmp_path):
    text = "sites: [paris]\nlisten: '[::1]:80'\npublic_url: https://cloud.example.org/fed/"
    settings = load(write(tmp_path, text))

    assert settings.address == ("::1", 80)
    assert settings.public_base == "https://cloud.example.org/fed"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "sites"),
        ("sites: []", "sites"),
        ("sites: paris", "sites"),
        ("home: x", "sites: is missing"),
        ("sites: [paris]\nsights: 1", "sights: there is no such setting"),
        ("sites: [paris]\ndefault_site: tokyo", "default_site 'tokyo' is not one of sites"),
        ("sites: [paris, paris]", "twice"),
        ("sites: [paris]\nlisten: 8780", "listen"),
        ("sites: [paris]\nlisten: localhost:99999", "HOST:PORT"),
        ("sites: [paris]\nrevalidate_seconds: 0", "revalidate_seconds"),
        ("sites: [paris]\npublic_url: nonsense", "public_url"),
        ("sites: [", "not YAML"),
        ("sites: [paris]\nredis: localhost", "redis: 'localhost' is no URL"),
        ("sites: [paris]\nredis: redis://localhost:port/0", "is no URL"),
    ],
)
def test_a_wrong_setting_is_one_line_with_file_and_key(tmp_path, text, said):
    path = write(tmp_path, text)

    with pytest.raises(SettingsError, match=r"federator\.yaml") as caught:
        load(path)

    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_names_the_cure(tmp_path):
    with pytest.raises(SettingsError, match="--config"):
        load(tmp_path / "nowhere.yaml")
