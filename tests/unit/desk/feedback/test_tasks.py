"""Themes above their usual share open tasks, once for a theme and month."""

from collections.abc import Iterator

import pytest
from helpers.api import HTML, House, add_device, client_of, open_house
from sqlalchemy import insert

from benchmarks.harness.remarks import generated
from fleet.clock import DAY_MS
from fleet.faults import Level
from storage.records.feedback import FeedbackRow
from storage.records.tickets import SuspicionRow, TicketRow


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house")) as made:
        add_device(made, "R1", site="pudong")
        yield made


def add_remarks(house: House, remarks: list[tuple[str, int]]) -> None:
    """Write remarks of closed cases, each some days ago."""
    now = house.clock.ms
    with house.desk.transaction() as session:
        first = (session.query(TicketRow.id).order_by(TicketRow.id.desc()).first() or (0,))[0] + 1
        tickets = [
            {"id": first + n, "kind": "repair", "device_id": "R1", "site": "pudong", "fault": "water_leak"}
            | {"level": Level.L2, "origin": "reported", "state": "confirmed", "version": 1}
            | {"opened_at": now - days * DAY_MS, "respond_due": now, "solved_at": now - days * DAY_MS}
            for n, (_, days) in enumerate(remarks)
        ]
        session.execute(insert(TicketRow), tickets)
        faults = [
            {"ticket_id": each["id"], "fault": "water_leak", "level": "L2", "skill": "mechanical"}
            | {"state": "confirmed", "since": now, "evidence": {}}
            for each in tickets
        ]
        session.execute(insert(SuspicionRow), faults)
        rows = [
            {"ticket_id": first + n, "repair": 0, "score": 3, "solved": True, "remark": text}
            | {"source": "call", "at": now - days * DAY_MS, "by": "li"}
            for n, (text, days) in enumerate(remarks)
        ]
        session.execute(insert(FeedbackRow), rows)


def test_a_theme_opens_one_task_in_a_month_and_a_person_ends_it(house: House) -> None:
    remarks = house.app.state.services.closing.remarks
    assert (remarks.open_tasks(), list(remarks.tasks())) == (0, [])
    texts = [(text, topic) for text, topic, language in generated(960) if language == "en"]
    add_remarks(house, [(text, 25 + n % 150) for n, (text, _) in enumerate(texts[:180])])
    assert remarks.open_tasks() == 0, "nothing this month"
    water = [text for text, topic in texts[180:] if topic == "water"]
    add_remarks(house, [(text, 1) for text, _ in texts[180:204]] + [(text, 1) for text in water[:20]])
    assert remarks.open_tasks() == 1
    assert remarks.open_tasks() == 0
    add_remarks(house, [(text, 0) for text in water[20:24]])
    assert remarks.open_tasks() == 0, "a theme whose words have changed is the same"
    (task,) = remarks.tasks()
    assert (task.data["month"], task.owner, task.done_at) == ("2026-11", "director", None)
    client = client_of(house)
    client.headers.update(HTML)
    page = client.get("/feedback").text
    assert task.title.en in page and "above its usual share" in page
    assert client.post(f"/tasks/{task.id}/done", follow_redirects=False).status_code == 303
    again = client.post(f"/tasks/{task.id}/done")
    assert again.status_code == 409 and "done already" in again.text
    assert remarks.open_tasks() == 0
