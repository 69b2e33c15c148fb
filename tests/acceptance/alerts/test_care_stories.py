"""What is told of alerts and when, as stories on a fake clock: tests/golden/care/*.yaml, given, when, then.

All of it goes the production way: the log of events, its follower, the sweep; each event is handled twice.
"""

from pathlib import Path

import pytest
import yaml
from helpers.care_stories import play

from storage.records.alert_notes import notes_on
from storage.records.alerts import open_alert

STORIES = Path(__file__).parents[2] / "golden" / "care"


@pytest.mark.parametrize("name", sorted(path.stem for path in STORIES.glob("*.yaml")))
def test_what_is_told_is_what_the_story_says(name: str, tmp_path: Path) -> None:
    told, expected, story = play(STORIES / f"{name}.yaml", tmp_path)
    assert told == expected
    story.desk.close()


def test_a_repeat_and_a_recurrence_leave_notes_where_they_are(tmp_path: Path) -> None:
    path = STORIES / "repeated-after-a-note.yaml"
    _, _, story = play(path, tmp_path)
    with story.desk.transaction() as session:
        alert = open_alert(session, "R1", "water_leak")
        assert alert is not None
        notes = [note.text for note in notes_on(session, alert, 0)]
    assert notes == yaml.safe_load(path.read_text(encoding="utf-8"))["notes"]
    story.desk.close()
