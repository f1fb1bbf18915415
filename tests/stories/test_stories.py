"""The API stories: every .yaml file here, told to a real gateway before two real sites."""

from pathlib import Path

import pytest

from tests.e2e.api import cloud
from tests.e2e.leaks import leaks, secrets
from tests.e2e.people import keystone_ids
from tests.stories.conftest import Stage
from tests.stories.story import SITES, Story, stories

FILES = sorted(Path(__file__).parent.glob("*.yaml"))


@pytest.mark.parametrize(
    "story",
    [
        pytest.param(story, id=f"{path.stem}: {story.name}")
        for path in FILES
        for story in stories(path)
    ],
)
def test_story(stage: Stage, lab: Path, story: Story) -> None:
    stage.teller.tell(story, stage.known)


def test_no_story_has_shown_anything_of_a_site(stage: Stage, lab: Path) -> None:
    home, *sites = (known_at(lab, name) for name in ("home", *(f"{site}-admin" for site in SITES)))
    found, _ = leaks(stage.gateway, secrets(stage.gateway, set().union(*sites), home))
    # Each place once: the same leak may be in many answers.
    told = {(each.exchange.method, each.place, each.what[:6]): str(each) for each in found}
    assert not found, "\n".join(told.values())


def known_at(lab: Path, name: str) -> set[str]:
    """The IDs of everybody and everything that a Keystone knows."""
    api = cloud(lab, name)
    try:
        return keystone_ids(api)
    finally:
        api.close()
