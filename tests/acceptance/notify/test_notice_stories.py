"""Who was told what, when, by which way, and what became of it, as stories: tests/golden/notices/*.yaml.

Given, when, then on a fake clock, from the alert to a receiver that answers; each event is handled twice.
`then` is what was told and each attempt, `outbox` each notice as it stands at the end.
"""

from pathlib import Path

import pytest
from helpers.notice_stories import opened, play

STORIES = Path(__file__).parents[2] / "golden" / "notices"


@pytest.mark.parametrize("name", sorted(path.stem for path in STORIES.glob("*.yaml")))
def test_what_came_is_what_the_story_says(name: str, tmp_path: Path) -> None:
    with opened(STORIES / f"{name}.yaml", tmp_path) as (story, text):
        play(story, text)
        assert story.lines == (text["then"] or [])
        assert story.outbox() == (text["outbox"] or [])
