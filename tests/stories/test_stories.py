"""The API stories: every .yaml file here, told to a real gateway before two real sites."""

from pathlib import Path

import pytest

from tests.e2e.leaks import leaks, secrets
from tests.stories.conftest import Stage
from tests.stories.story import Story, stories

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
    found, _ = leaks(stage.gateway, secrets(stage.gateway))
    assert not found, "\n".join(map(str, found))
