"""Finds, with column expressions, the few readings of a batch that the rules must look at one by one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from alerts.judging.decisions import Verdict
from alerts.judging.rules import BY_CODE, ERROR_CODE, Rule
from alerts.judging.windows.stretch import Ints, Rows

Sighting = tuple[str, int, float | bool | str | None, int]
"""Device, event time (epoch ms), the value shown as evidence (by code: that), and the verdict's code."""
_UNKNOWN = 9
"""Stands in a verdict's column where the signals were not sent."""
DEVICE_ROW = "device_row"
"""The column with the row number of each reading's device."""
WORSE = 10
"""A verdict that holds at a level of its own is ten times the level's number, and HOLD."""


class Scan:
    """Looks at batches for some rules; what it looks for is put together once.

    A batch has beside its own columns DEVICE_ROW, by `rows`.
    """

    def __init__(self, rules: Sequence[Rule], rows: Rows) -> None:
        self._rules = rules
        self._rows = rows
        self._holds = [rule.holds.alias(rule.name) for rule in rules]
        self._shown = [_shown(rule) for rule in rules]
        self._verdicts = [_verdict(rule) for rule in rules]
        self._looked_at = [
            {*shown.meta.root_names(), *verdict.meta.root_names()}
            for shown, verdict in zip(self._shown, self._verdicts, strict=True)
        ]

    def in_play(
        self, frame: pl.DataFrame, tracked: Mapping[str, set[str]]
    ) -> Iterator[tuple[Rule, Iterable[Sighting]]]:
        """Yield each rule that must judge readings of this batch, with those, by device in order of time.

        Such a rule holds for some reading, or has an open alert; `tracked` has the devices with one, by rule.
        Readings without the rule's signals are left out. Of a run of equal verdicts on a device only the
        first and the last remain: they carry its start and its length.
        """
        if frame.is_empty() or not self._rules:
            return
        held = frame.select(self._holds).get_columns()
        holding = [each.any() for each in held]
        playing = [
            number for number, rule in enumerate(self._rules) if holding[number] or tracked.get(rule.name)
        ]
        if playing:
            of_open = [tracked.get(self._rules[number].name, set()) for number in playing]
            places = self._concerned(frame, [held[number] for number in playing if holding[number]], of_open)
            few, beside = self._few(frame, playing, places)
            for number in playing:
                rule = self._rules[number]
                yield rule, _sightings(few, beside, number, by_value=rule.fault == BY_CODE)

    def _concerned(self, frame: pl.DataFrame, held: Sequence[pl.Series], of_open: Sequence[set[str]]) -> Ints:
        """Return where the readings stand of devices that any rule concerns, by device in order of time.

        `of_open` are the devices with an open alert of each rule: they may be many more than the readings.
        """
        row = frame[DEVICE_ROW].to_numpy()
        concerned = np.zeros(len(self._rows), dtype=bool)
        for each in held:
            concerned[row[each.arg_true().to_numpy()]] = True
        for tracked in of_open:
            few = len(tracked) < frame.height
            known = self._rows.of(list(tracked if few else tracked.intersection(frame["device_id"])))
            concerned[known[known >= 0]] = True
        places = np.flatnonzero(concerned[row])
        return places[np.lexsort((frame["ts"].to_numpy()[places], row[places]))]

    def _few(
        self, frame: pl.DataFrame, playing: Sequence[int], places: Ints
    ) -> tuple[pl.DataFrame, "_Beside"]:
        """Return `value.N` and `verdict.N` of each rule for the readings at some places, and the rest."""
        columns = [self._shown[number].alias(f"value.{number}") for number in playing]
        columns += [self._verdicts[number].alias(f"verdict.{number}") for number in playing]
        looked_at = dict.fromkeys(name for number in playing for name in self._looked_at[number])
        few = frame[list(dict.fromkeys(["device_id", "ts", DEVICE_ROW, *looked_at]))]
        few = few[pl.Series(places, dtype=pl.UInt32)]
        beside = _Beside(few["device_id"].to_list(), few["ts"].to_list(), few[DEVICE_ROW].to_numpy())
        return few.select(columns), beside


def _shown(rule: Rule) -> pl.Expr:
    return pl.col(ERROR_CODE if rule.fault == BY_CODE else rule.shown_column)


def _verdict(rule: Rule) -> pl.Expr:
    holding = int(Verdict.HOLD) + WORSE * rule.worst if rule.levels else pl.lit(int(Verdict.HOLD), pl.Int8)
    code = pl.when(rule.holds).then(holding).when(rule.cleared).then(int(Verdict.CLEAR))
    known = code.otherwise(int(Verdict.BETWEEN))
    return pl.when(rule.holds.is_null()).then(_UNKNOWN).otherwise(known).cast(pl.Int8)


@dataclass(frozen=True, slots=True)
class _Beside:
    """What every rule needs of the readings beside its own columns; `row` is the device's number."""

    devices: list[str]
    times: list[int]
    row: Ints


def _sightings(few: pl.DataFrame, beside: _Beside, number: int, *, by_value: bool) -> Iterable[Sighting]:
    verdicts = few[f"verdict.{number}"].to_numpy()
    known = np.flatnonzero(verdicts != _UNKNOWN)
    if known.size == 0:
        return ()
    shown = few[f"value.{number}"]
    devices, verdicts = beside.row[known], verdicts[known]
    same = (devices[1:] == devices[:-1]) & (verdicts[1:] == verdicts[:-1])
    if by_value:  # another code is news, though the verdict is the same
        values = shown[known].rle_id().to_numpy()
        same &= values[1:] == values[:-1]
    within_a_run = np.append(False, same) & np.append(same, False)
    value, keep = shown.to_list(), ~within_a_run
    return [
        (beside.devices[at], beside.times[at], value[at], verdict)
        for at, verdict in zip(known[keep].tolist(), verdicts[keep].tolist(), strict=True)
    ]
