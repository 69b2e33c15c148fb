"""The link in a message: used twice, over, by another person, of a storm, of somebody who left."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from helpers.api import HTML
from helpers.care_stories import after_ms
from helpers.notice_stories import NoticeStory, opened, play

from fleet.alerts import AlertState
from fleet.clock import DAY_MS
from fleet.events import Event
from storage.records.alerts import alert_of
from storage.records.events import events_after
from storage.records.incidents import incident_of
from storage.records.notices import notice_of
from sweepwatch.wiring_api import build_api

STORY = Path(__file__).parents[2] / "golden" / "notices" / "not-acknowledged.yaml"
STORM = STORY.with_name("a-storm-is-one.yaml")


@pytest.fixture
def story(tmp_path: Path) -> Iterator[NoticeStory]:
    """Yield a story in which Ada, a manager, was told by mail of R1's battery."""
    with opened(STORY, tmp_path) as (story, _):
        story.do_fires("R1 battery_overheat L1")
        story.tick()
        yield story


def browser(story: NoticeStory) -> TestClient:
    """Return a browser that nobody knows: whoever has the link."""
    app = build_api(story.processes[0].services, None, dict)
    return TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False)


def taken(story: NoticeStory) -> list[Event]:
    with story.desk.transaction() as session:
        return [each for each in events_after(session, 0, 1000) if each.after == AlertState.ACKNOWLEDGED]


def test_pressed_twice_it_is_taken_care_of_once_and_no_page_is_an_error(story: NoticeStory) -> None:
    link, client = f"/n/{story.link('ada')}", browser(story)
    for says in ("You take care of it.", "You take care of it until"):
        answer = client.post(f"{link}/acknowledge", headers=HTML)
        assert answer.status_code == 200 and says in answer.text
    (event,) = taken(story)
    assert (event.principal.kind, event.principal.name) == ("person", "ada")


def test_pressed_when_it_is_over_the_page_says_so(story: NoticeStory) -> None:
    link, client = f"/n/{story.link('ada')}", browser(story)
    story.do_over("R1 battery_overheat")
    story.tick()
    answer = client.post(f"{link}/acknowledge", headers=HTML)
    assert answer.status_code == 200 and "It is over." in answer.text
    assert taken(story) == []


def test_it_stops_the_next_step_and_the_end_is_told_all_the_same(story: NoticeStory) -> None:
    browser(story).post(f"/n/{story.link('ada')}/acknowledge")
    story.tick()
    story.until(story.clock.ms + after_ms("1h"))
    story.do_over("R1 battery_overheat")
    story.tick()
    titles = [line.partition("mail to ada: ")[2] for line in story.lines if " mail to ada: " in line]
    assert titles == [
        "[L1] Battery overheating – hall -> accepted",
        "Over: Battery overheating – hall -> accepted",
    ]
    assert not any("to bo" in line for line in story.lines)


def test_after_a_week_it_opens_nothing(story: NoticeStory) -> None:
    link, client = f"/n/{story.link('ada')}", browser(story)
    story.clock.ms += 7 * DAY_MS
    assert client.get(link, headers=HTML).status_code == 404
    assert client.post(f"{link}/acknowledge", headers=HTML).status_code == 404
    assert taken(story) == []


def test_another_person_who_opens_it_acts_as_whom_it_was_sent_to_and_the_log_says_by_what(
    story: NoticeStory,
) -> None:
    client = browser(story)
    client.get(f"/n/{story.link('ada')}", headers=HTML)
    assert taken(story) == [], "to look changes nothing"
    client.post(f"/n/{story.link('ada')}/acknowledge")
    (event,) = taken(story)
    assert (event.principal.name, event.reason) == ("ada", "by the link in the notice")


def test_the_link_of_somebody_who_left_takes_care_of_nothing(story: NoticeStory) -> None:
    story.do_leaves("ada")
    answer = browser(story).post(f"/n/{story.link('ada')}/acknowledge", headers=HTML)
    assert answer.status_code == 403
    assert taken(story) == []


def test_a_storm_is_taken_care_of_by_its_link_as_one(tmp_path: Path) -> None:
    with opened(STORM, tmp_path) as (story, text):
        play(story, {"when": text["when"][:3]})
        link, client = f"/n/{story.link('ada')}", browser(story)
        assert "I take care of it" in client.get(link, headers=HTML).text
        done = client.post(f"{link}/acknowledge", headers=HTML)
        assert done.status_code == 200 and "You take care of it." in done.text
        with story.desk.transaction() as session:
            assert incident_of(session, 1).state is AlertState.ACKNOWLEDGED
            assert notice_of(session, 1).proof == "acknowledged"
            assert alert_of(session, "1").state is AlertState.FIRING
