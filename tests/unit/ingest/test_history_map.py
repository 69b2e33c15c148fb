"""The map of a history: what it may say, and how a mistake in it is told."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from fleet.config import Mistakes
from fleet.errors import ConfigError, InvalidInput
from fleet.signals import STANDARD_SIGNALS
from ingest.history.plan import check_files, plan_of
from ingest.history.shapes import TimeShape
from ingest.history.times import Times

NEEDED = "telemetry:\n  device: unit\n  time: at\n"


def times(texts: list[Any], **shape: Any) -> list[int | None]:
    made = Times(TimeShape.model_validate({"from": "at", **shape}), "telemetry.time")
    return made.read(pl.Series(texts), pl.Series(range(len(texts)))).to_list()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("telemetri: {}\n", 'map.yaml:1: unknown key "telemetri"; allowed: telemetry'),
        (
            NEEDED + "  signals:\n    suktion_pa: p\n",
            "map.yaml:5: telemetry.signals.suktion_pa: is no signal",
        ),
        (NEEDED + "  signals:\n    suktion_pa: p\n", "did you mean suction_pa?"),
        (NEEDED + "  signals: {suction_pa: {from: p, unit: mA}}\n", "unit 'mA' cannot become 'Pa'"),
        (NEEDED + "  kind: {is: robots}\n", '"robots" is no kind; allowed: robot, tool, wristband'),
        (NEEDED + "  separator: semicolons\n", "map.yaml:4: telemetry.separator"),
        ("telemetry:\n  device: unit\n  time: {cycles: 1h}\n", "cycles and start belong together"),
        ("telemetry:\n  device: unit\n  time: {from: a, zone: Mars}\n", "'Mars' is no time zone"),
        ("telemetry:\n  device: unit\n  time: {cycles: 1h, start: soon}\n", "'soon' is no time"),
        ("telemetry:\n  device: {file: 'x.csv'}\n  time: at\n", "needs one group in brackets"),
        ("telemetry: {device: unit, time: at, header: false}\n", "header: false needs columns"),
        (
            "repairs:\n  device: u\n  opened: a\n  fault:\n    from: f\n    values:\n      x: brush_war\n",
            "map.yaml:7",
        ),
        ("repairs:\n  device: u\n  fault: f\n", "needs opened or repaired"),
    ],
)
def test_a_mistake_names_its_line_and_what_is_allowed(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        plan_of(text, STANDARD_SIGNALS, "map.yaml")
    assert said in str(raised.value)


def test_a_column_that_a_file_lacks_is_told_with_the_nearest_one(tmp_path: Path) -> None:
    plan = plan_of(NEEDED + "  signals: {suction_pa: presure}\n", STANDARD_SIGNALS, "map.yaml")
    file = tmp_path / "t.csv"
    file.write_text("unit,at,pressure\nR1,2025-01-01,5\n", encoding="utf-8")
    with pytest.raises(Mistakes, match='has no column "presure".*did you mean pressure'):
        check_files(plan, "telemetry", [file])


def test_texts_of_any_form_of_iso_8601_are_times() -> None:
    wanted = 1_577_836_800_000
    texts = ["2020-01-01 00:00:00", "2020-01-01T00:00:00Z", "2020-01-01", "2020-01-01T08:00:00+08:00"]
    assert times(texts) == [wanted] * 4
    assert times([*texts, "2020-01-01 00:00:00.5", "noon", None])[4:] == [wanted + 500, None, None]


def test_a_time_without_an_offset_is_in_the_zone_of_the_map() -> None:
    assert times(["2020-01-01 08:00:00"], zone="Asia/Shanghai") == [1_577_836_800_000]


def test_an_hour_that_comes_twice_and_one_that_is_missing() -> None:
    autumn = ["2020-10-25 02:30:00", "2020-10-25 02:10:00", "2020-10-25 03:30:00"]
    first, second, third = times(autumn, zone="Europe/Berlin")
    assert (second - first, third - second) == (40 * 60_000, 80 * 60_000)  # type: ignore[operator]
    assert times(["2020-03-29 02:30:00"], zone="Europe/Berlin") == [1_585_445_400_000]


def test_numbers_count_from_1970_or_from_a_start() -> None:
    assert times([1_577_836_800_123_456_789], unit="ns") == [1_577_836_800_123]
    assert times(["1577836800.5", "x", "1e300"], unit="s") == [1_577_836_800_500, None, None]
    assert times(["1", "2.5"], cycles="1h", start="2020-01-01") == [1_577_840_400_000, 1_577_845_800_000]
    assert times(["03/02/2020 04:05"], format="%d/%m/%Y %H:%M") == [1_580_702_700_000]


@pytest.mark.parametrize("name", ["t.csv.gz", "t.parquet"])
def test_a_file_that_is_none_is_told_of_in_one_line(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_bytes(b"\x1f\x8b\x08\x00no such thing" * 40)
    plan = plan_of(NEEDED, STANDARD_SIGNALS, "map.yaml")
    with pytest.raises(InvalidInput, match=f"{name}: cannot be read"):
        check_files(plan, "telemetry", [file])
