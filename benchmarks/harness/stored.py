"""Reads back what a crash benchmark published, reading by reading."""

from dataclasses import dataclass

import polars as pl

from benchmarks.harness.steady_load import Readings, device_name
from fleet.signals import Kind
from storage.ports import TelemetryStore

_DEVICES_A_QUERY = 20


@dataclass(frozen=True)
class Stored:
    """What a store holds of what was published: `wrong` have values that are not theirs."""

    rows: int
    lost: int
    duplicated: int
    wrong: int


def compare(store: TelemetryStore, readings: Readings) -> Stored:
    """Return how what is stored differs from what was published."""
    rows = lost = duplicated = wrong = 0
    for begin in range(0, readings.devices, _DEVICES_A_QUERY):
        numbers = range(begin, min(begin + _DEVICES_A_QUERY, readings.devices))
        names = [device_name(number) for number in numbers]
        end = readings.start + readings.expected(begin) + 1
        found = store.readings(Kind.ROBOT, names, readings.start, end).frame
        turn = pl.col("ts") - readings.start
        right = (
            (pl.col("seq") == turn)
            & (pl.col("battery_pct") == turn % 80 + 10.5)
            & (pl.col("x_m") == pl.col("device_id").str.slice(1).cast(pl.Int64) + 0.25)
        )
        by_device = found.group_by("device_id").agg(
            pl.len().alias("rows"),
            pl.col("ts").n_unique().alias("distinct"),
            (~right.fill_null(value=False)).sum().alias("wrong"),
        )
        expected = sum(readings.expected(number) for number in numbers)
        distinct = int(by_device["distinct"].sum())
        rows += found.height
        lost += expected - distinct
        duplicated += found.height - distinct
        wrong += int(by_device["wrong"].sum())
    return Stored(rows, lost, duplicated, wrong)
