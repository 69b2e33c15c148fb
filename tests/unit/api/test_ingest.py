"""The API's view of what came in: gaps, names nobody knows, and the search in the quarantine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from helpers.api import NOW, House, client_of, open_house

from storage.records.gaps import GapChanges, Gaps, StoredGap
from storage.records.quarantine import Evidence, Quarantine
from storage.records.unknown_signals import UnknownSignal, UnknownSignals


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as house:
        yield house


@pytest.fixture
def client(house: House) -> TestClient:
    return client_of(house)


def store_gaps(house: House, *gaps: StoredGap, dropped: int = 0) -> None:
    Gaps(house.desk).apply(GapChanges((), (), gaps, (), dropped))


def test_gaps_are_listed_with_the_times_between_which_they_fell(client: TestClient, house: House) -> None:
    store_gaps(house, StoredGap("R1", 2, 17, 19, NOW - 5000, NOW), dropped=4)
    answer = client.get("/api/v1/ingest/gaps").json()
    assert answer == {
        "items": [
            {
                "device_id": "R1",
                "run": 2,
                "first_seq": 17,
                "last_seq": 19,
                "missing": 3,
                "after_ts": "2026-11-22T07:59:55.000Z",
                "before_ts": "2026-11-22T08:00:00.000Z",
            }
        ],
        "next_cursor": None,
        "dropped": 4,
    }


def test_gaps_are_paged_and_narrowed_to_a_device(client: TestClient, house: House) -> None:
    store_gaps(house, *(StoredGap(f"R{n % 2}", 1, n, n, NOW, NOW) for n in range(7)))
    seen, cursor = [], ""
    while True:
        page = client.get(f"/api/v1/ingest/gaps?limit=3{cursor}").json()
        seen += [(item["device_id"], item["first_seq"]) for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == [(f"R{odd}", n) for odd in (0, 1) for n in range(odd, 7, 2)]
    own = client.get("/api/v1/ingest/gaps?device=R1").json()["items"]
    assert [item["first_seq"] for item in own] == [1, 3, 5]


@pytest.mark.parametrize("query", ["cursor=x", "limit=0", "devise=R1", "device="])
def test_a_question_that_is_none_is_refused(client: TestClient, query: str) -> None:
    answer = client.get(f"/api/v1/ingest/gaps?{query}")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_cursor_is_good_for_its_own_query_alone(client: TestClient, house: House) -> None:
    store_gaps(house, *(StoredGap("R1", 1, n, n, NOW, NOW) for n in (1, 3)))
    cursor = client.get("/api/v1/ingest/gaps?limit=1").json()["next_cursor"]
    assert client.get(f"/api/v1/ingest/gaps?device=R1&cursor={cursor}").status_code == 422


def test_names_that_no_signal_has_are_listed(client: TestClient, house: House) -> None:
    UnknownSignals(house.desk).add([UnknownSignal("temprature", "robot", "R1", NOW - 1000, NOW)])
    assert client.get("/api/v1/ingest/unknown-signals").json() == {
        "items": [
            {
                "name": "temprature",
                "kind": "robot",
                "example_device": "R1",
                "first_seen": "2026-11-22T07:59:59.000Z",
                "last_seen": "2026-11-22T08:00:00.000Z",
            }
        ],
        "next_cursor": None,
    }


def test_the_quarantine_is_searched_by_a_text_in_the_topic(client: TestClient, house: House) -> None:
    Quarantine(house.desk).add(
        [Evidence(f"sweepwatch/v1/{site}/robot/R/telemetry", "R", "empty", "", b"", NOW) for site in "ab"]
    )
    answer = client.get("/api/v1/ingest/quarantine", params={"topic": "/a/robot"}).json()
    assert [item["topic"] for item in answer["items"]] == ["sweepwatch/v1/a/robot/R/telemetry"]


def test_the_ledger_shows_what_came_late_and_what_repeated_its_number(client: TestClient) -> None:
    ledger = client.get("/api/v1/ingest/ledger").json()
    assert (ledger["late"], ledger["seq_repeated"]) == (4, 1)
