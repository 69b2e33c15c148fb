"""Who was told what, when, by which way, and what became of it, as stories: tests/golden/notices/*.yaml.

Given, when, then on a fake clock, from the alert to a receiver that answers; each event is handled twice.
`then` is what was told and each attempt, `outbox` each notice as it stands at the end.
"""

from pathlib import Path

import pytest
from helpers.notice_stories import opened, play
from helpers.postgres import migrated, postgres

__all__ = ["postgres"]
STORIES = Path(__file__).parents[2] / "golden" / "notices"
NAMES = sorted(path.stem for path in STORIES.glob("*.yaml"))
ON_BOTH = ("two-processes", "on-call-gap", "acknowledged-under-way", "unmuted-in-quiet-hours")
"""Those in which a rule of the database, or its JSON, decides: on PostgreSQL as well."""


@pytest.mark.parametrize("name", NAMES)
def test_what_came_is_what_the_story_says(name: str, tmp_path: Path) -> None:
    check(name, tmp_path)


@pytest.mark.parametrize("name", ON_BOTH)
def test_on_postgresql_it_is_the_same(name: str, postgres: str, tmp_path: Path) -> None:
    check(name, tmp_path, migrated(postgres))


def check(name: str, folder: Path, url: str | None = None) -> None:
    with opened(STORIES / f"{name}.yaml", folder, url) as (story, text):
        play(story, text)
        assert story.told() == (text["then"] or [])
        assert story.outbox() == (text["outbox"] or [])
        assert len(story.keys_taken()) == len(set(story.keys_taken())), "nothing was taken twice"
