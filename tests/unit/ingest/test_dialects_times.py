"""Local times without an offset: the zone of the mapping, doubled hours and hours that do not exist."""

from datetime import UTC, datetime

import pytest

from fleet.clock import HOUR_MS
from fleet.errors import ConfigError
from fleet.signals import STANDARD_SIGNALS
from ingest.dialects.config import parse_dialects
from ingest.dialects.times import LocalTimes, to_ms, zone_of
from ingest.messages import Refusal

BERLIN = "Europe/Berlin"
LATER = 2**45


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000


def told(*times: str, received: int = LATER, zone: str = BERLIN) -> list[float | Refusal]:
    local = LocalTimes(zone_of(zone))
    return [local.to_ms(time, "R1", received) for time in times]


def test_a_time_is_in_the_zone_of_the_mapping_unless_it_has_an_offset() -> None:
    assert told("2026-11-22T08:00:00", zone="Asia/Shanghai") == [utc("2026-11-22T00:00:00")]
    assert told("2026-11-22T08:00:00Z", "2026-11-22T09:00:00+01:00") == [utc("2026-11-22T08:00:00")] * 2
    assert to_ms("2026-11-22T08:00:00", "iso8601") == utc("2026-11-22T08:00:00")


def test_of_a_doubled_hour_it_is_the_first_until_the_device_has_told_a_later_time() -> None:
    """On 25 October 2026 clocks in Berlin go from 3:00 back to 2:00 at 1:00 UTC."""
    times = (
        "2026-10-25T01:59",
        "2026-10-25T02:30",
        "2026-10-25T02:59",
        "2026-10-25T02:00",
        "2026-10-25T02:30",
    )
    assert told(*times) == [
        utc(text)
        for text in (
            "2026-10-24T23:59",
            "2026-10-25T00:30",
            "2026-10-25T00:59",
            "2026-10-25T01:00",
            "2026-10-25T01:30",
        )
    ]


def test_what_comes_again_in_the_first_hour_is_not_taken_for_the_second() -> None:
    """The second hour has not come yet: a redelivery finds its own time again."""
    now = int(utc("2026-10-25T00:45"))
    times = ("2026-10-25T02:30", "2026-10-25T02:40", "2026-10-25T02:30", "2026-10-25T02:40")
    first = [utc("2026-10-25T00:30"), utc("2026-10-25T00:40")]
    assert told(*times, received=now) == first * 2


def test_a_skipped_hour_is_read_as_if_the_clock_had_not_moved() -> None:
    """On 29 March 2026 clocks in Berlin go from 2:00 to 3:00 at 1:00 UTC."""
    assert told("2026-03-29T01:59", "2026-03-29T02:30", "2026-03-29T03:00") == [
        utc("2026-03-29T00:59"),
        utc("2026-03-29T01:30"),
        utc("2026-03-29T01:00"),
    ]


def test_devices_are_told_apart() -> None:
    local = LocalTimes(zone_of(BERLIN))
    local.to_ms("2026-10-25T05:00", "R1", LATER)
    first = utc("2026-10-25T00:30")
    assert local.to_ms("2026-10-25T02:30", "R2", LATER) == first
    assert local.to_ms("2026-10-25T02:30", "R1", LATER) == first + HOUR_MS


@pytest.mark.parametrize(
    ("time", "said"),
    [
        (
            "{path: t, unit: iso8601, zone: Mars/Olympus}",
            "'Mars/Olympus' is no time zone; allowed are names such",
        ),
        ("{path: t, unit: ms, zone: UTC}", "zone: a time in ms has none"),
    ],
)
def test_a_wrong_zone_is_named(time: str, said: str) -> None:
    shape = f"name: x, type: json, topic: 'a/{{site}}/{{device}}', time: {time}, signals: {{floor: f}}"
    text = f"dialects: [{{{shape}}}]"
    with pytest.raises(ConfigError, match=said):
        parse_dialects(text, STANDARD_SIGNALS)
