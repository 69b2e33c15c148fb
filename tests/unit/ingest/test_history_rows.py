"""Rows of telemetry: what is read is taken or refused, each for a reason, and a bad row costs that row."""

import gzip
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet.clock import ManualClock
from fleet.readings import ReadingBatch
from fleet.signals import STANDARD_SIGNALS, Kind
from ingest.history import sources
from ingest.history.ledger import Ledger, PartLedger
from ingest.history.plan import plan_of
from ingest.history.progress import ProgressNote
from ingest.history.readings_in import Target, TelemetryImport
from storage.ports import Receipt
from storage.records.devices import Placement

NOW = 1_795_334_400_000
BASE = "telemetry:\n  device: unit\n  time: {from: at, unit: s}\n"
SIGNALS = "  signals: {suction_pa: {from: kpa, unit: kPa}, battery_pct: charge, state: state}\n"
T = 1_740_000_000


class Kept:
    """A store and a table of devices that remember what they were given."""

    def __init__(self) -> None:
        self.batches: list[ReadingBatch] = []
        self.registered: dict[str, Placement] = {}

    def write(self, batch: ReadingBatch) -> Receipt:
        self.batches.append(batch)
        return Receipt(len(batch), 0, 0)

    def register(self, devices: dict[str, Placement], _now: int) -> None:
        self.registered |= devices

    def record_info(self, _infos: object) -> None: ...

    def record_summaries(self, _summaries: object) -> None: ...

    def readings(self, batch: ReadingBatch) -> ReadingBatch:
        return batch

    @property
    def rows(self) -> list[dict[str, Any]]:
        frames = [each.frame.with_columns(pl.col("state").cast(pl.String)) for each in self.batches]
        return pl.concat(frames).to_dicts() if frames else []


def take(
    text: str, *files: Path, known: tuple[str, ...] = ("R1", "R2"), kept_until: dict[Kind, int] | None = None
) -> tuple[PartLedger, Kept]:
    plan, ledger, kept = plan_of(text, STANDARD_SIGNALS, "map.yaml"), Ledger(), Kept()
    places = {name: Placement("s1", Kind.ROBOT) for name in known}
    work = TelemetryImport(
        plan,
        STANDARD_SIGNALS,
        places,
        ManualClock(NOW),
        kept_until or {},
        Target(kept, kept, kept),  # type: ignore[arg-type]
    )
    work.run(list(files), ledger, ProgressNote(None, ""), lambda _share: None)
    return ledger.of("telemetry"), kept


def file(folder: Path, text: str, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_units_words_and_own_names_become_signals(tmp_path: Path) -> None:
    counts, kept = take(
        BASE + SIGNALS, file(tmp_path, f"unit,at,kpa,charge,state,fan_rpm\nR1,{T},2.5,80,idle,9000\n")
    )
    assert (counts.read, counts.taken, counts.refused) == (1, 1, 0)
    (row,) = kept.rows
    assert (row["device_id"], row["site"], row["ts"]) == ("R1", "s1", T * 1000)
    assert (row["suction_pa"], row["battery_pct"], row["state"], row["fan_rpm"]) == (
        2500.0,
        80.0,
        "idle",
        9000.0,
    )


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (f"R9,{T},1,1,idle", "unregistered"),
        (f"R 1,{T},1,1,idle", "bad_id"),
        (f",{T},1,1,idle", "bad_id"),
        ("R1,noon,1,1,idle", "bad_ts"),
        ("R1,12,1,1,idle", "bad_ts"),
        (f"R1,{NOW},1,1,idle", "future"),
        (f"R1,{T},,101,flying", "no_signal"),
        (f"R1,{T},1,1,idle,more", "malformed"),
        (f'"R1,{T},1,1,idle', "malformed"),
    ],
)
def test_a_bad_row_costs_that_row_and_says_why(tmp_path: Path, row: str, reason: str) -> None:
    text = f"unit,at,kpa,charge,state\nR1,{T},1,1,idle\n\n{row}\nR2,{T},1,1,idle\n"
    counts, kept = take(BASE + SIGNALS, file(tmp_path, text))
    assert (counts.read, counts.taken, dict(counts.reasons)) == (3, 2, {reason: 1})
    assert [each["device_id"] for each in kept.rows] == ["R1", "R2"]
    assert [(one.line, one.reason) for one in counts.shown if one.what == "row"] == [(4, reason)]


def test_a_value_that_cannot_be_taken_is_left_out_and_counted(tmp_path: Path) -> None:
    text = f"unit,at,kpa,charge,state\nR1,{T},abc,80,idle\nR1,{T + 1},5,180,flying\n"
    counts, kept = take(BASE + SIGNALS, file(tmp_path, text))
    assert dict(counts.dropped) == {
        "suction_pa: wrong_type": 1,
        "battery_pct: out_of_range": 1,
        "state: unknown_state": 1,
    }
    assert [each["suction_pa"] for each in kept.rows] == [None, 5000.0]


def test_readings_of_hours_of_which_only_tiles_are_kept_are_refused(tmp_path: Path) -> None:
    text = f"unit,at,charge\nR1,{T},80\nR1,{T + 3600},80\n"
    counts, _ = take(
        BASE, file(tmp_path, text.replace("charge", "battery_pct")), kept_until={Kind.ROBOT: T * 1000 + 1}
    )
    assert (counts.taken, dict(counts.reasons)) == (1, {"expired": 1})


def test_one_file_a_device_without_a_header_and_cycles_for_time(tmp_path: Path) -> None:
    text = (
        "telemetry:\n  device: {file: 'unit_([0-9]+)', prefix: E}\n  site: {is: bench}\n  separator: blanks\n"
        "  header: false\n  columns: [cycle, charge]\n  time: {from: cycle, cycles: 1h, start: 2020-01-01}\n"
        "  signals: {battery_pct: charge}\n"
    )
    paths = [file(tmp_path, "1  50 \n2  51 \n", f"unit_{number}.txt") for number in (1, 2)]
    counts, kept = take(text, *paths, known=())
    assert (counts.taken, sorted(kept.registered)) == (4, ["E1", "E2"])
    assert [each["ts"] for each in kept.rows[:2]] == [1_577_840_400_000, 1_577_844_000_000]


def test_rows_without_any_time_count_as_steps(tmp_path: Path) -> None:
    text = "telemetry: {device: {is: R1}, time: {cycles: 10s, start: 2020-01-01}}\n"
    _, kept = take(text, file(tmp_path, "battery_pct\n50\n51\n"))
    assert [each["ts"] - 1_577_836_800_000 for each in kept.rows] == [0, 10_000]


def test_names_of_columns_replace_a_header_that_is_wrong(tmp_path: Path) -> None:
    text = BASE + "  columns: [unit, at, battery_pct, fan_rpm]\n"
    _, kept = take(text, file(tmp_path, f"unit,at,fan_rpm,battery_pct\nR1,{T},50,9000\n"))
    assert [(each["battery_pct"], each["fan_rpm"]) for each in kept.rows] == [(50.0, 9000.0)]


def test_one_value_a_row_becomes_readings(tmp_path: Path) -> None:
    text = BASE + "  long: {name: tag, value: value}\n" + SIGNALS
    rows = f"R1,{T},kpa,2\nR1,{T},charge,80\nR1,{T},charge,180\nR1,{T},oil,1\n"
    rows += f"R2,{T},state,idle\nR2,{T},charge,\n"
    counts, kept = take(text, file(tmp_path, f"unit,at,tag,value\n{rows}"))
    assert (counts.read, counts.taken) == (6, 3)
    assert dict(counts.reasons) == {"out_of_range": 1, "unknown_signal": 1, "no_signal": 1}
    found = [
        (each["device_id"], each["suction_pa"], each["battery_pct"], each["state"]) for each in kept.rows
    ]
    assert found == [("R1", 2000.0, 80.0, None), ("R2", None, None, "idle")]


def test_a_zipped_file_a_parquet_file_and_small_blocks_say_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "unit,at,kpa,charge,state\n" + "".join(f"R1,{T + n},1,{n % 100},idle\n" for n in range(200))
    plain = file(tmp_path, text)
    zipped = tmp_path / "t.csv.gz"
    zipped.write_bytes(gzip.compress(text.encode()))
    pl.read_csv(plain).write_parquet(tmp_path / "t.parquet", row_group_size=50)
    whole = take(BASE + SIGNALS, plain)[1].rows
    monkeypatch.setattr(sources, "BLOCK_BYTES", 100)
    monkeypatch.setattr(sources, "BLOCK_ROWS", 7)
    for path in (plain, zipped, tmp_path / "t.parquet"):
        assert take(BASE + SIGNALS, path)[1].rows == whole


cells = st.sampled_from(
    ["R1", "R2", "R9", "", "x y", '"', str(T), str(T + 5), "noon", "-1", "50", "1e9", "idle", "NaN"]
)
lines = st.lists(st.lists(cells, min_size=0, max_size=7).map(",".join), max_size=30)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines)
def test_what_is_read_is_taken_or_refused(tmp_path: Path, rows: list[str]) -> None:
    text = "unit,at,kpa,charge,state\n" + "".join(f"{row}\n" for row in rows)
    counts, kept = take(BASE + SIGNALS, file(tmp_path, text))
    assert counts.read == len([row for row in rows if row])
    assert counts.read == counts.taken + counts.refused
    assert counts.taken == len(kept.rows)
