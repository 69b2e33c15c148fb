"""Calls, follow-ups, records of visits and the record of warnings, through the API."""

import io
from base64 import b64encode
from collections.abc import Iterator

import pytest
from helpers.api import HTML, House, add_device, client_of, open_house, raise_alert
from PIL import Image, ImageDraw

from desk.feedback.sweep import FollowUpSweep
from desk.feedback.visits import plain_signature
from fleet.clock import DAY_MS, HOUR_MS
from fleet.errors import InvalidInput
from fleet.events import Subject
from fleet.grants import Permission
from fleet.principals import person
from fleet.tickets import TicketState as T
from storage.records.events import events_of

LI = person("li")
TO_DEVICE = (T.ACCEPTED, T.EN_ROUTE, T.REPAIRING)


@pytest.fixture
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house")) as made:
        yield made


def case(house: House, number: int, *found: str, site: str = "pudong") -> None:
    """Open a case of a new device; repair it where something is `found`."""
    add_device(house, f"R{number}", site=site, risk=0.9, fault="brush_jam", risk_ts=house.clock.ms)
    raise_alert(house, f"R{number}", "brush_jam", 0.9)
    for state in TO_DEVICE:
        house.tickets.change_state(number, state, LI, "so it is")
    if found:
        house.tickets.change_state(number, T.REPAIRED, LI, "done", confirmed=list(found))


def png(size: tuple[int, int] = (600, 200), *, drawn: bool = True) -> bytes:
    picture = Image.new("RGBA", size, (0, 0, 0, 0))
    if drawn:
        ImageDraw.Draw(picture).line([(30, 90), (200, 30), (400, 150)], fill="black", width=4)
    made = io.BytesIO()
    picture.save(made, "PNG")
    return made.getvalue()


def told(house: House, ticket_id: int, what: str) -> int:
    with house.desk.transaction() as session:
        return sum(each.what == what for each in events_of(session, Subject.TICKET, str(ticket_id)))


def test_who_said_nothing_is_called_after_three_days_and_three_times_at_most(house: House) -> None:
    client = client_of(house)
    case(house, 1, "brush_jam")
    house.clock.ms += HOUR_MS
    case(house, 2, "none")
    assert client.get("/api/v1/callbacks").json()["items"] == []
    house.clock.ms += 3 * DAY_MS
    listed = client.get("/api/v1/callbacks").json()["items"]
    assert [(each["ticket_id"], each["tries"]) for each in listed] == [(2, 0), (1, 0)], "the newest first"
    given = {"score": 3, "solved": False, "remark": "hm", "source": "call"}
    said = client.post("/api/v1/tickets/2/feedback", json=given)
    assert (said.status_code, said.json()["source"], said.json()["faults"]) == (201, "call", [])
    assert client.post("/api/v1/tickets/2/feedback", json=given).status_code == 409
    for tries in (1, 2, 3):
        assert [each["ticket_id"] for each in client.get("/api/v1/callbacks").json()["items"]] == [1]
        assert client.post("/api/v1/tickets/1/not-reached").json() == {"tries": tries}
        assert client.get("/api/v1/callbacks").json()["items"] == [], "not before tomorrow"
        house.clock.ms += DAY_MS
    assert client.get("/api/v1/callbacks").json()["items"] == []
    assert client.post("/api/v1/tickets/1/not-reached").status_code == 409
    assert [each["score"] for each in client.get("/api/v1/feedback?below=4").json()["items"]] == [3]
    assert client.get("/api/v1/feedback?solved=true").json()["items"] == []


def test_a_follow_up_is_told_of_once_when_overdue_and_ends_with_words(house: House) -> None:
    client, sweep = client_of(house), FollowUpSweep(house.desk)
    case(house, 1, "brush_jam")
    client.post("/api/v1/tickets/1/feedback", json={"score": 1, "solved": False})
    assert sweep.tick(house.clock.ms + 24 * HOUR_MS - 1) == 0
    house.clock.ms += 24 * HOUR_MS
    assert [sweep.tick(house.clock.ms) for _ in range(3)] == [1, 0, 0]
    assert told(house, 1, "follow_up_overdue") == told(house, 1, "follow_up_opened") == 1
    (due,) = client.get("/api/v1/follow-ups").json()["items"]
    assert due["overdue_at"] is not None
    assert "overdue by" in client.get("/callbacks", headers=HTML).text
    path = f"/api/v1/follow-ups/{due['id']}/done"
    assert client.post(path, json={"said": ""}).status_code == 422
    assert client.post(path, json={"said": " "}).status_code == 422
    assert client.post(path, json={"said": "called, a new brush is on its way"}).json()["done_at"]
    assert client.post(path, json={"said": "again"}).status_code == 409
    assert client.get("/api/v1/follow-ups").json()["items"] == []


def test_what_is_of_another_site_is_not_there(house: House) -> None:
    case(house, 1, "brush_jam", site="elsewhere")
    client_of(house).post(
        "/api/v1/tickets/1/feedback", json={"score": 1, "solved": False, "remark": "secret"}
    )
    house.clock.ms += 4 * DAY_MS
    mine = client_of(house, Permission.FLEET_READ, Permission.TICKETS_CHANGE, sites=frozenset({"pudong"}))
    for path in ("feedback", "callbacks", "follow-ups"):
        assert mine.get(f"/api/v1/{path}").json()["items"] == []
    assert mine.post("/api/v1/follow-ups/1/done", json={"said": "x"}).status_code == 404
    assert mine.put("/api/v1/tickets/1/visit", json={"minutes": 5}).status_code == 404
    assert mine.get("/api/v1/tickets/1/report.pdf").status_code == 404
    assert mine.get("/api/v1/faults/brush_jam/record").json()["all"]["judged"] == 0
    assert "secret" not in mine.get("/feedback", headers=HTML).text


def test_a_visit_is_written_down_corrected_and_shown_with_its_signature(house: House) -> None:
    client = client_of(house)
    case(house, 1)
    given = {
        "minutes": 45,
        "parts": [{"code": "main-brush", "quantity": 2, "serial": "MB-1"}],
        "remark": "hair",
        "signature": b64encode(png()).decode(),
        "signed_by": "Wang",
    }
    made = client.put("/api/v1/tickets/1/visit", json=given)
    assert made.status_code == 200, made.text
    assert (made.json()["signed"], made.json()["arrived"]) == (True, "2026-11-22T08:00:00.000Z")
    assert made.json()["left"] == "2026-11-22T08:45:00.000Z"
    given = {"minutes": 50, "signed_by": "Wang"}
    assert client.put("/api/v1/tickets/1/visit", json=given).json()["signed"], "the signature stays"
    page = client.get("/tickets/1", headers=HTML).text
    assert "50 min" in page and "data:image/png;base64," in page
    form = {"minutes": "x", "part": ["main-brush", ""], "quantity": ["1", ""], "serial": ["", ""]}
    refused = client.post("/tickets/1/visit", data=form, headers=HTML)
    assert refused.status_code == 422 and "whole number" in refused.text
    kept = client.post("/tickets/1/visit", data=form | {"minutes": "30"}, follow_redirects=False)
    assert kept.status_code == 303
    house.tickets.change_state(1, T.REPAIRED, LI, "done", confirmed=["brush_jam"])
    house.tickets.change_state(1, T.CONFIRMED, LI, "done")
    assert client.put("/api/v1/tickets/1/visit", json=given).status_code == 409


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"minutes": 1441}, "minutes"),
        ({"parts": [{"code": "no such/thing"}]}, "parts.code"),
        ({"parts": [{"code": "a", "quantity": 0}]}, "quantity"),
        ({"signature": b64encode(b"GIF89a").decode()}, "signature"),
        ({"signature": b64encode(png((2001, 10))).decode()}, "signature"),
        ({"next_service": "2026-11-01T00:00:00Z"}, "next_service"),
        ({"arrived": "2027-11-01T00:00:00Z"}, "arrived"),
    ],
)
def test_what_a_visit_cannot_be_is_named(house: House, change: dict[str, object], named: str) -> None:
    case(house, 1)
    answer = client_of(house).put("/api/v1/tickets/1/visit", json={"minutes": 5} | change)
    assert answer.status_code == 422
    assert named in answer.text


def test_a_signature_is_drawn_anew_and_an_empty_one_is_none() -> None:
    kept = plain_signature(png() + b"<script>")
    assert kept is not None and len(kept) < 5_000 and b"script" not in kept
    assert plain_signature(png(drawn=False)) is None
    with pytest.raises(InvalidInput, match="200 kB"):
        plain_signature(b"x" * 200_001)


def test_a_fault_says_how_often_its_warnings_were_right(house: House) -> None:
    client = client_of(house)
    empty = client.get("/api/v1/faults/brush_jam/record").json()
    assert (empty["all"], empty["cases"]) == ({"right": 0, "judged": 0}, [])
    assert "judged by an engineer yet" in client.get("/faults/brush_jam", headers=HTML).text
    for number, found in enumerate(("brush_jam", "none", "brush_jam"), 1):
        case(house, number, found)
    case(house, 4)  # not judged yet
    add_device(house, "R5", site="pudong")
    house.tickets.report("R5", "brush_jam", LI, "it squeals")  # no warning of ours
    for state in TO_DEVICE:
        house.tickets.change_state(5, state, LI, "so it is")
    house.tickets.change_state(5, T.REPAIRED, LI, "done", confirmed=["brush_jam"])
    case(house, 6, "brush_jam")
    house.tickets.change_state(6, T.REOPENED, LI, "it came back")  # no verdict holds any more
    record = client.get("/api/v1/faults/brush_jam/record").json()
    assert record["all"] == {"right": 2, "judged": 3}
    assert record["by"] == [{"by": "risk", "right": 2, "judged": 3}]
    assert sorted(each["ticket_id"] for each in record["cases"]) == [1, 2, 3]
    page = client.get("/faults/brush_jam", headers=HTML).text
    assert "2 of 3" in page and 'href="/tickets/3"' in page
    assert "were right 2 of 3 times" in client.get("/tickets/4", headers=HTML).text
    assert client.get("/faults/nothing", headers=HTML).status_code == 404
    assert client.get("/api/v1/faults/nothing/record").status_code == 422
