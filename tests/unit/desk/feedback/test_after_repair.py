"""Calls, follow-ups, records of visits and the record of warnings, through the API."""

import io
from base64 import b64encode
from collections.abc import Iterator
from itertools import count

import pytest
from helpers.api import HTML, House, add_device, client_of, open_house, raise_alert
from PIL import Image, ImageDraw

from desk.feedback.sweep import FollowUpSweep
from desk.feedback.visits import plain_signature
from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS, from_rfc3339
from fleet.errors import InvalidInput
from fleet.events import Subject
from fleet.grants import Permission
from fleet.principals import person
from fleet.tickets import TicketState as T
from storage.records.events import events_of

LI = person("li")
TO_DEVICE = (T.ACCEPTED, T.EN_ROUTE, T.REPAIRING)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house")) as made:
        yield made


@pytest.fixture
def house(whole: House) -> House:
    """Return the house a year later, so that nothing of the test before is asked about any more."""
    whole.clock.ms += 400 * DAY_MS
    return whole


_cases = count(1)


def case(house: House, *found: str, site: str = "pudong", fault: str = "brush_jam") -> int:
    """Open a case of a new device and return its number; repair it where something is `found`."""
    number = next(_cases)
    add_device(house, f"R{number}", site=site, risk=0.9, fault=fault, risk_ts=house.clock.ms)
    raise_alert(house, f"R{number}", fault, 0.9)
    for state in TO_DEVICE:
        house.tickets.change_state(number, state, LI, "so it is")
    if found:
        house.tickets.change_state(number, T.REPAIRED, LI, "done", confirmed=list(found))
    return number


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
    one = case(house, "brush_jam")
    house.clock.ms += HOUR_MS
    two = case(house, "none")
    assert client.get("/api/v1/callbacks").json()["items"] == []
    house.clock.ms += 3 * DAY_MS
    listed = client.get("/api/v1/callbacks").json()["items"]
    assert [(each["ticket_id"], each["tries"]) for each in listed] == [(two, 0), (one, 0)], "newest first"
    given = {"score": 3, "solved": False, "remark": "hm", "source": "call"}
    said = client.post(f"/api/v1/tickets/{two}/feedback", json=given)
    assert (said.status_code, said.json()["source"], said.json()["faults"]) == (201, "call", [])
    assert client.post(f"/api/v1/tickets/{two}/feedback", json=given).status_code == 409
    for tries in (1, 2, 3):
        assert [each["ticket_id"] for each in client.get("/api/v1/callbacks").json()["items"]] == [one]
        assert client.post(f"/api/v1/tickets/{one}/not-reached").json() == {"tries": tries}
        assert client.get("/api/v1/callbacks").json()["items"] == [], "not before tomorrow"
        house.clock.ms += DAY_MS
    assert client.get("/api/v1/callbacks").json()["items"] == []
    assert client.post(f"/api/v1/tickets/{one}/not-reached").status_code == 409
    low = client.get("/api/v1/feedback?below=4&solved=false").json()["items"]
    assert low[0]["ticket_id"] == two
    assert client.get("/api/v1/feedback?below=4&solved=true").json()["items"] == []


def test_a_follow_up_is_told_of_once_when_overdue_and_ends_with_words(house: House) -> None:
    client, sweep = client_of(house), FollowUpSweep(house.desk)
    sweep.tick(house.clock.ms)
    one = case(house, "brush_jam")
    client.post(f"/api/v1/tickets/{one}/feedback", json={"score": 1, "solved": False})
    assert sweep.tick(house.clock.ms + 24 * HOUR_MS - 1) == 0
    house.clock.ms += 24 * HOUR_MS
    assert [sweep.tick(house.clock.ms) for _ in range(3)] == [1, 0, 0]
    assert told(house, one, "follow_up_overdue") == told(house, one, "follow_up_opened") == 1
    due = client.get("/api/v1/follow-ups").json()["items"][-1]
    assert (due["ticket_id"], due["owner"]) == (one, "director")
    assert due["overdue_at"] is not None
    house.clock.ms += HOUR_MS
    assert "overdue by" in client.get("/callbacks", headers=HTML).text
    path = f"/api/v1/follow-ups/{due['id']}/done"
    assert client.post(path, json={"said": ""}).status_code == 422
    assert client.post(path, json={"said": " "}).status_code == 422
    assert client.post(path, json={"said": "called, a new brush is on its way"}).json()["done_at"]
    assert client.post(path, json={"said": "again"}).status_code == 409
    assert one not in [each["ticket_id"] for each in client.get("/api/v1/follow-ups").json()["items"]]


def test_what_is_of_another_site_is_not_there(house: House) -> None:
    one = case(house, "wheel_slip", site="elsewhere", fault="wheel_slip")
    said = {"score": 1, "solved": False, "remark": "a secret of theirs"}
    client_of(house).post(f"/api/v1/tickets/{one}/feedback", json=said)
    add_device(house, "HERE", site="here")
    house.clock.ms += 4 * DAY_MS
    mine = client_of(house, Permission.FLEET_READ, Permission.TICKETS_CHANGE, sites=frozenset({"here"}))
    for path in ("feedback", "callbacks", "follow-ups"):
        assert mine.get(f"/api/v1/{path}").json()["items"] == []
    for number in range(1, 9):
        assert mine.post(f"/api/v1/follow-ups/{number}/done", json={"said": "x"}).status_code == 404
    assert mine.put(f"/api/v1/tickets/{one}/visit", json={"minutes": 5}).status_code == 404
    assert mine.get(f"/api/v1/tickets/{one}/report.pdf").status_code == 404
    assert mine.get("/api/v1/faults/wheel_slip/record").json()["all"]["judged"] == 0
    assert client_of(house).get("/api/v1/faults/wheel_slip/record").json()["all"]["judged"] == 1
    assert "a secret" not in mine.get("/feedback", headers=HTML).text


def test_a_visit_is_written_down_corrected_and_shown_with_its_signature(house: House) -> None:
    client, one = client_of(house), case(house)
    given = {
        "minutes": 45,
        "parts": [{"code": "main-brush", "quantity": 2, "serial": "MB-1"}],
        "remark": "hair",
        "signature": b64encode(png()).decode(),
        "signed_by": "Wang",
    }
    made = client.put(f"/api/v1/tickets/{one}/visit", json=given)
    assert made.status_code == 200, made.text
    assert made.json()["signed"]
    assert from_rfc3339(made.json()["arrived"]) == house.clock.ms
    assert from_rfc3339(made.json()["left"]) == house.clock.ms + 45 * MINUTE_MS
    given = {"minutes": 50, "signed_by": "Wang"}
    assert client.put(f"/api/v1/tickets/{one}/visit", json=given).json()["signed"], "the signature stays"
    page = client.get(f"/tickets/{one}", headers=HTML).text
    assert "50 min" in page and "data:image/png;base64," in page
    form = {"minutes": "x", "part": ["main-brush", ""], "quantity": ["1", ""], "serial": ["", ""]}
    refused = client.post(f"/tickets/{one}/visit", data=form, headers=HTML)
    assert refused.status_code == 422 and "whole number" in refused.text
    kept = client.post(f"/tickets/{one}/visit", data=form | {"minutes": "30"}, follow_redirects=False)
    assert kept.status_code == 303
    house.tickets.change_state(one, T.REPAIRED, LI, "done", confirmed=["brush_jam"])
    house.tickets.change_state(one, T.CONFIRMED, LI, "done")
    assert client.put(f"/api/v1/tickets/{one}/visit", json=given).status_code == 409


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"minutes": 1441}, "minutes"),
        ({"parts": [{"code": "no such/thing"}]}, "parts.code"),
        ({"parts": [{"code": "a", "quantity": 0}]}, "quantity"),
        ({"signature": b64encode(b"GIF89a").decode()}, "signature"),
        ({"signature": b64encode(png((2001, 10))).decode()}, "signature"),
        ({"next_service": "2020-11-01T00:00:00Z"}, "next_service"),
        ({"arrived": "2199-11-01T00:00:00Z"}, "arrived"),
    ],
)
def test_what_a_visit_cannot_be_is_named(house: House, change: dict[str, object], named: str) -> None:
    one = case(house)
    answer = client_of(house).put(f"/api/v1/tickets/{one}/visit", json={"minutes": 5} | change)
    assert answer.status_code == 422
    assert named in answer.text


def test_a_signature_is_drawn_anew_and_an_empty_one_is_none() -> None:
    kept = plain_signature(png() + b"<script>")
    assert kept is not None and len(kept) < 5_000 and b"script" not in kept
    assert plain_signature(png(drawn=False)) is None
    with pytest.raises(InvalidInput, match="200 kB"):
        plain_signature(b"x" * 200_001)


def test_a_fault_says_how_often_its_warnings_were_right(house: House) -> None:
    client, fault = client_of(house), "lidar_misaligned"
    empty = client.get(f"/api/v1/faults/{fault}/record").json()
    assert (empty["all"], empty["cases"]) == ({"right": 0, "judged": 0}, [])
    assert "judged by an engineer yet" in client.get(f"/faults/{fault}", headers=HTML).text
    judged = [case(house, found, fault=fault) for found in (fault, "none", fault)]
    waits = case(house, fault=fault)
    reported = case(house, "brush_jam")  # an engineer found it, no warning of ours
    house.tickets.change_state(reported, T.CONFIRMED, LI, "done", confirmed=["brush_jam", fault])
    again = case(house, fault, fault=fault)
    house.tickets.change_state(again, T.REOPENED, LI, "it came back")  # no verdict holds any more
    record = client.get(f"/api/v1/faults/{fault}/record").json()
    assert record["all"] == {"right": 2, "judged": 3}
    assert record["by"] == [{"by": "risk", "right": 2, "judged": 3}]
    assert sorted(each["ticket_id"] for each in record["cases"]) == judged
    page = client.get(f"/faults/{fault}", headers=HTML).text
    assert "2 of 3" in page and f'href="/tickets/{judged[0]}"' in page
    assert "were right 2 of 3 times" in client.get(f"/tickets/{waits}", headers=HTML).text
    assert client.get("/faults/nothing", headers=HTML).status_code == 404
    assert client.get("/api/v1/faults/nothing/record").status_code == 422
