"""A device's readings through the API, as stored and by interval."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from helpers.api import NOW, House, add_device, client_of, open_house
from helpers.batches import batch_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet.clock import MINUTE_MS, to_rfc3339

PATH = "/api/v1/devices/r1/telemetry"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house")) as made:
        add_device(made, "r1", newest_ts=NOW - MINUTE_MS)
        made.store.write(
            batch_of(
                [
                    {"device_id": "r1", "ts": NOW - n * MINUTE_MS, "battery_pct": float(n), "state": "idle"}
                    for n in range(1, 61)
                ]
            )
        )
        yield made


@pytest.fixture(scope="module")
def client(house: House) -> TestClient:
    return client_of(house)


def test_without_a_range_the_last_day_up_to_the_newest_reading_is_given(client: TestClient) -> None:
    items = client.get(f"{PATH}?signals=battery_pct,state").json()["items"]
    assert len(items) == 60
    assert items[0] == {"ts": to_rfc3339(NOW - 60 * MINUTE_MS), "battery_pct": 60.0, "state": "idle"}
    assert items[-1]["ts"] == to_rfc3339(NOW - MINUTE_MS)


def test_the_start_is_part_of_the_range_and_the_end_is_not(client: TestClient) -> None:
    start, end = NOW - 10 * MINUTE_MS, NOW - 5 * MINUTE_MS
    by_number = client.get(f"{PATH}?start={start}&end={end}").json()["items"]
    by_text = client.get(PATH, params={"start": to_rfc3339(start), "end": to_rfc3339(end)}).json()["items"]
    assert [item["battery_pct"] for item in by_number] == [10, 9, 8, 7, 6]
    assert by_text == by_number


def test_an_offset_whose_plus_was_not_escaped_is_understood(client: TestClient) -> None:
    items = client.get(f"{PATH}?start=2026-11-22T15:50:00+08:00&signals=battery_pct").json()["items"]
    assert [item["battery_pct"] for item in items] == [float(n) for n in range(10, 0, -1)]


def test_a_signal_that_was_not_sent_is_null(client: TestClient) -> None:
    item = client.get(f"{PATH}?signals=brush_rpm&limit=1").json()["items"][0]
    assert item["brush_rpm"] is None


def test_intervals_give_mean_min_max_and_count(client: TestClient) -> None:
    items = client.get(f"{PATH}?signals=battery_pct&every=1h").json()["items"]
    assert items == [
        {
            "ts": "2026-11-22T07:00:00.000Z",
            "battery_pct": {"mean": 30.5, "min": 1.0, "max": 60.0, "count": 60},
        }
    ]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(limit=st.integers(1, 70), every=st.sampled_from(["", "&every=90s", "&every=5m"]))
def test_pages_put_together_are_the_whole(client: TestClient, limit: int, every: str) -> None:
    path = f"{PATH}?signals=battery_pct{every}&start={NOW - 61 * MINUTE_MS + 1}"
    whole = client.get(f"{path}&limit=1000").json()["items"]
    items, cursor = [], ""
    while cursor is not None:
        page = client.get(f"{path}&limit={limit}&cursor={cursor}" if cursor else f"{path}&limit={limit}")
        items += page.json()["items"]
        cursor = page.json()["next_cursor"]
    assert items == whole
    assert items


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("signals=heart_rate_bpm", 'signals: "heart_rate_bpm" is no signal of a robot; allowed: battery_pct'),
        ("signals=state&every=1h", 'signals: "state" is no signal of a robot that can be averaged'),
        ("signals=", 'signals: "" is no signal of a robot'),
        ("start=yesterday", "start: no time; allowed: RFC 3339"),
        ("start=99999999999999999", "start: no time; allowed: 1970-01-01 to 9999"),
        ("start=5000&end=5000", "start: must be before end"),
        ("every=fast", 'every: "fast" is no duration'),
        ("every=1ms", 'every: "1ms" is no duration'),
        ("every=400d", "every: out of range; allowed: 1s to 366d"),
        ("limit=10001", "limit: Input should be less than or equal to 10000"),
        ("since=1", "since: unknown; allowed: signals, start, end, every, limit, cursor"),
        ("cursor=abc", "cursor: not one of ours"),
    ],
)
def test_what_is_not_valid_is_named(client: TestClient, query: str, says: str) -> None:
    answer = client.get(f"{PATH}?{query}")
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(says)
