"""What comes of risks over time: alerts by the product's own decisions, visits, and whether they were right.

Nobody acts on them here: a fault that was seen coming runs on to its failure, so that the same life tells what
every policy would have seen. A visit that would have found nothing ends its alert a day later, as a closed
ticket would.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alerts.decisions import Previous, Track, judge_risk, judge_settling
from alerts.rules import RISK_RULE
from fleet.alerts import Alert, AlertState
from fleet.clock import DAY_MS, HOUR_MS
from fleet.faults import FAULTS
from fleet.risks import Risk
from simulators.ground_truth import GroundTruth, TruthEntry

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

AHEAD_MS = 24 * HOUR_MS
"""A warning helps when it comes so long before the failure."""
VISIT_MS = 24 * HOUR_MS
"""So long after an alert someone has been there and closed its ticket."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A proactive ticket: opened at `at`; `entry` is the fault that it was right about, None for none."""

    device_id: str
    fault: str
    at: int
    entry: TruthEntry | None


@dataclass(frozen=True, slots=True)
class Series:
    """One device's risk of one fault over time: `times` (epoch ms, rising) and `risks`. Shapes: (moments,)."""

    device_id: str
    fault: str
    times: Ints
    risks: Floats


class Truths:
    """The ground truth by device and fault."""

    def __init__(self, truth: GroundTruth) -> None:
        self._entries: dict[tuple[str, str], list[TruthEntry]] = {}
        for entry in truth:
            self._entries.setdefault((entry.device_id, entry.fault), []).append(entry)

    def __iter__(self) -> Iterator[TruthEntry]:
        return (entry for entries in self._entries.values() for entry in entries)

    def of(self, device_id: str, fault: str) -> list[TruthEntry]:
        """Return one device's entries of one fault, in order of onset."""
        return self._entries.get((device_id, fault), [])


def broken(entry: TruthEntry, at: int) -> bool:
    """Tell whether a fault has failed and is not mended yet: it is known, and nothing to foresee."""
    return entry.failure is not None and entry.failure <= at < (entry.repaired_at or 2**62)


def tickets_of(series: Series, threshold: float, entries: Sequence[TruthEntry], horizon_ms: int) -> list[Ticket]:
    """Return the proactive tickets that a series of risks opens at a threshold, by the alerts' own decisions.

    A ticket is right when the fault is under way, or fails within the horizon. While the device is broken with
    it nothing is opened: its error and its customer have told already.
    """
    if not (series.risks >= threshold).any():
        return []
    found: list[Ticket] = []
    track: Track | None = None
    previous: Previous | None = None
    ends: int | None = None
    for at, value in zip(series.times.tolist(), series.risks.tolist(), strict=True):
        if track is not None and ends is not None and at >= ends:
            previous, track = Previous(track.alert.id, track.alert.since, ends, "ticket_closed"), None
        risk = Risk(series.device_id, series.fault, at, value, threshold, "", ())
        decision = judge_risk(track, risk)
        if track is not None:
            if decision.state is AlertState.RESOLVED:
                previous, track = Previous(track.alert.id, track.alert.since, at, decision.reason), None
            elif decision.reason != "late":
                lows = track.lows + 1 if decision.reason == "low" else 0
                track = Track(track.alert, track.seen_at, at, lows)
        elif decision.state is not None and not any(broken(entry, at) for entry in entries):
            if judge_settling(previous, at).state is not None:
                entry = _meant(entries, at, horizon_ms)
                found.append(Ticket(series.device_id, series.fault, at, entry))
                track = Track(_alert(risk, len(found)), at, at)
                ends = at + VISIT_MS if entry is None else entry.repaired_at
    return found


def _alert(risk: Risk, number: int) -> Alert:
    fault = FAULTS[risk.fault]
    return Alert(
        id=str(number),
        device_id=risk.device_id,
        fault=risk.fault,
        rule=RISK_RULE,
        level=fault.level,
        state=AlertState.FIRING,
        since=risk.ts,
        reason="first",
        opens_ticket=True,
        evidence={},
    )


def _meant(entries: Sequence[TruthEntry], at: int, horizon_ms: int) -> TruthEntry | None:
    for entry in entries:
        if entry.failing_at(at) or (entry.failure is not None and at < entry.failure <= at + horizon_ms):
            return entry
    return None


def warnable(entry: TruthEntry, start: int, end: int) -> bool:
    """Tell whether a failure within start <= t < end could be foreseen a day ahead.

    It came with warning, and began more than a day before it failed.
    """
    failure = entry.failure
    return entry.warning and failure is not None and start <= failure < end and failure - entry.onset > AHEAD_MS


def caught(entry: TruthEntry, tickets: Sequence[Ticket]) -> bool:
    """Tell whether a ticket for this very fault was open a day before it failed."""
    assert entry.failure is not None
    return any(t.entry is entry and t.at <= entry.failure - AHEAD_MS for t in tickets)
