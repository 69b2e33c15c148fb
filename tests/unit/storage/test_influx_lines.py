"""Line protocol: one line a reading, numbers as floats, nulls left out, nothing able to break out of it."""

import math
from typing import Any

import polars as pl
import pytest
from helpers.batches import batch_of
from hypothesis import given
from hypothesis import strategies as st

from fleet.errors import StoreRejected
from fleet.risks import RISK_COLUMNS
from storage.series.influx.lines import bodies, reading_lines, risk_lines

T0 = 1_700_000_000_000


def line(**row: Any) -> str:
    return reading_lines(batch_of([{"device_id": "R1", "ts": T0, **row}]))[0]


def test_a_line_holds_tags_fields_and_time_and_leaves_nulls_out() -> None:
    built = line(battery_pct=81.5, run_s=5.0, state="idle", error_code="E:1", fan_rpm=math.nan)
    assert built == (
        f'robot,device=R1,site=s1 received={T0},battery_pct=81.5,run_s=5.0,state="idle",error_code="E:1" {T0}'
    )


def test_readings_with_different_signals_stay_apart() -> None:
    rows = [
        {"device_id": "R1", "ts": T0, "battery_pct": 1.0},
        {"device_id": "R2", "ts": T0, "fan_rpm": 2.0, "error_code": "E1"},
        {"device_id": "R3", "ts": T0, "seq": 7},
    ]
    assert [built.split(" ")[1] for built in reading_lines(batch_of(rows))] == [
        f"received={T0},battery_pct=1.0",
        f'received={T0},fan_rpm=2.0,error_code="E1"',
        f"received={T0},seq=7",
    ]


def test_separators_in_tags_and_quotes_in_text_are_escaped() -> None:
    built = line(device_id="a b,c=d", error_code='say "x"\\', battery_pct=1.0)
    assert built.startswith("robot,device=a\\ b\\,c\\=d,site=s1 ")
    assert 'error_code="say \\"x\\"\\\\"' in built


@pytest.mark.parametrize("device", ["", "a\nb", "a\\", "a\x00", " a", None])
def test_an_id_that_cannot_be_escaped_is_rejected(device: str | None) -> None:
    with pytest.raises(StoreRejected, match="device_id"):
        line(device_id=device, battery_pct=1.0)


def test_an_infinite_number_and_a_missing_received_time_are_rejected() -> None:
    with pytest.raises(StoreRejected, match="battery_pct is infinite"):
        line(battery_pct=math.inf)
    with pytest.raises(StoreRejected, match="received"):
        line(battery_pct=1.0, received=None)


def test_an_empty_error_code_is_told_from_an_absent_one() -> None:
    assert 'error_code="(none)"' in line(battery_pct=1.0, error_code="")


def test_a_risk_has_its_fault_as_a_tag_and_its_drivers_as_escaped_text() -> None:
    row = {
        "device_id": "R1",
        "ts": T0,
        "fault": "brush_jam",
        "risk": 0.5,
        "drivers": '[{"a":1}]',
        "model": "m1",
    }
    frame = pl.DataFrame([row], schema=RISK_COLUMNS)
    assert risk_lines(frame).to_list() == [
        f'risk,device=R1,fault=brush_jam risk=0.5,drivers="[{{\\"a\\":1}}]",model="m1" {T0}'
    ]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1)), st.integers(1, 5))
def test_bodies_hold_every_line_once_as_it_is_and_no_more_than_asked(lines: list[str], most: int) -> None:
    made = list(bodies(pl.Series("line", lines, dtype=pl.String), most))
    assert made == [
        "".join(f"{line}\n" for line in lines[begin : begin + most]).encode()
        for begin in range(0, len(lines), most)
    ]
