"""What comes of risks over time: tickets by the product's own decisions, and whether they were right.

Nobody acts on them here: a fault that was seen coming runs on to its failure, so that one life tells what
every policy would have seen. A visit that would have found nothing ends its alert a day later, as its ticket
would that is closed with nothing found; as in production that fault is then quiet for its horizon.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from alerts.judging.by_risk import alert_of
from alerts.judging.decisions import BY_TICKET, REFUTED, Previous, Track, judge_risk, judge_settling
from fleet.alerts import AlertState
from fleet.clock import HOUR_MS
from fleet.risks import Risk
from simulators.ground_truth import GroundTruth, TruthEntry

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

AHEAD_MS = 24 * HOUR_MS
"""A warning helps when it comes so long before the failure."""
_VISIT_MS = 24 * HOUR_MS
"""So long after an alert someone has been there and closed its ticket."""
_NEVER = 2**62


@dataclass(frozen=True, slots=True)
class Ticket:
    """A proactive ticket: opened at `at` (epoch ms); `entry` is what it was right about, None for nothing."""

    device_id: str
    fault: str
    at: int
    entry: TruthEntry | None


@dataclass(frozen=True, slots=True)
class Series:
    """One device's risk of one fault over time: `times` (epoch ms, rising), `risks`. Shapes: (moments,)."""

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

    def of_fault(self, fault: str) -> list[TruthEntry]:
        """Return every device's entries of one fault."""
        return [e for (_, code), entries in self._entries.items() if code == fault for e in entries]

    def of(self, device_id: str, *faults: str) -> list[TruthEntry]:
        """Return one device's entries of some faults, in order of onset."""
        found = [entry for fault in faults for entry in self._entries.get((device_id, fault), [])]
        return sorted(found, key=lambda entry: entry.onset)


def broken(entries: Sequence[TruthEntry], times: Ints) -> Bools:
    """Tell when one of some faults had failed and was not mended: it is known, and nothing to foresee."""
    found = np.zeros(len(times), dtype=bool)
    for entry in entries:
        if entry.failure is not None:
            found |= (times >= entry.failure) & (times < (entry.repaired_at or _NEVER))
    return found


def fails_within(entries: Sequence[TruthEntry], times: Ints, horizon_ms: int) -> Bools:
    """Tell at which times one of some faults fails within (t, t + horizon]."""
    found = np.zeros(len(times), dtype=bool)
    for entry in entries:
        if entry.failure is not None:
            found |= (times < entry.failure) & (entry.failure <= times + horizon_ms)
    return found


def tickets_of(
    series: Series, threshold: float, entries: Sequence[TruthEntry], horizon_ms: int
) -> list[Ticket]:
    """Return the proactive tickets that a series of risks opens at a threshold, by the alerts' own decisions.

    A ticket is right when a fault of `entries` is under way, or fails within the horizon. While the device is
    broken with one nothing is opened: its error code and its customer have told already.
    """
    if not (series.risks >= threshold).any():
        return []
    desk = _Desk(series, threshold, entries, horizon_ms)
    known = broken(entries, series.times)
    for at, value, told in zip(series.times.tolist(), series.risks.tolist(), known.tolist(), strict=True):
        desk.judge(Risk(series.device_id, series.fault, at, value, threshold, "", ()), told)
    return desk.tickets


class _Desk:
    """The one open alert of a device and fault, and the tickets that came of it."""

    def __init__(
        self, series: Series, threshold: float, entries: Sequence[TruthEntry], horizon_ms: int
    ) -> None:
        self.tickets: list[Ticket] = []
        self._entries = entries
        self._horizon_ms = horizon_ms
        self._track: Track | None = None
        self._previous: Previous | None = None
        self._closes = _NEVER
        self._found = ""

    def judge(self, risk: Risk, told: bool) -> None:
        if self._track is not None and risk.ts >= self._closes:
            self._end(self._track, self._closes, self._found)
        decision = judge_risk(self._track, risk)
        if self._track is None:
            if decision.state is not None and not told:
                self._open(risk)
        elif decision.state is AlertState.RESOLVED:
            self._end(self._track, risk.ts, decision.reason)
        elif decision.reason != "late":
            lows = self._track.lows + 1 if decision.reason == "low" else 0
            self._track = Track(self._track.alert, self._track.seen_at, risk.ts, lows)

    def _open(self, risk: Risk) -> None:
        if judge_settling(self._previous, risk).state is None:
            return
        entry = _meant(self._entries, risk.ts, self._horizon_ms)
        self.tickets.append(Ticket(risk.device_id, risk.fault, risk.ts, entry))
        alert = replace(alert_of(risk, AlertState.FIRING, "first", {}), id=str(len(self.tickets)))
        self._track = Track(alert, risk.ts, risk.ts)
        self._closes = risk.ts + _VISIT_MS if entry is None else entry.repaired_at or _NEVER
        self._found = REFUTED if entry is None else f"{BY_TICKET}closed"

    def _end(self, track: Track, at: int, reason: str) -> None:
        self._previous = Previous(track.alert.id, track.alert.since, at, reason)
        self._track = None


def _meant(entries: Sequence[TruthEntry], at: int, horizon_ms: int) -> TruthEntry | None:
    for entry in entries:
        soon = entry.failure is not None and at < entry.failure <= at + horizon_ms
        if entry.failing_at(at) or soon:
            return entry
    return None


def warnable(entry: TruthEntry, start: int, end: int) -> bool:
    """Tell whether a failure within start <= t < end could be foreseen a day ahead.

    It came with warning, and began more than a day before it failed.
    """
    failure = entry.failure
    if failure is None or not entry.warning:
        return False
    return start <= failure < end and failure - entry.onset > AHEAD_MS


def caught(entry: TruthEntry, tickets: Sequence[Ticket]) -> bool:
    """Tell whether a ticket for this very fault was opened a day before it failed, or earlier."""
    return any(
        t.entry is entry and entry.failure is not None and t.at <= entry.failure - AHEAD_MS for t in tickets
    )
