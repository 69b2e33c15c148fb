"""Judges risks by the ground truth: what was caught, which tickets were right, what equal visits avoid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from fleet.clock import DAY_MS
from fleet.faults import FAULTS
from models.features.definitions import columns_by_name, features_of
from models.features.history import Rows
from models.features.windows import FleetFacts
from models.learning.evaluation import calibration_error
from models.learning.training import Trained, risk_of
from simulators.ground_truth import TruthEntry
from simulators.lived import LivedFleet
from yardsticks.simulated.alerts import (
    Bools,
    Floats,
    Series,
    Ticket,
    Truths,
    broken,
    caught,
    fails_within,
    tickets_of,
    warnable,
)
from yardsticks.simulated.thresholds import split_by_device, threshold_tickets

WARM_UP_MS = 5 * DAY_MS
"""A failure so soon after a fleet was first heard is not counted: nobody knows yet what is usual for it."""
_STEPS = 9
_WIDEST = 6.0
"""Log-odds by which thresholds are moved at most to make as many visits as others."""
HIGH = 0.2
"""Risks from here on are told apart: ECE is mostly about the many moments at which nothing was near."""
Tally = tuple[int, int]
"""How many of how many."""


@dataclass(frozen=True, slots=True)
class FaultFigures:
    """How one fault was judged; `shapes` says by shape how many of the warnable failures were caught.

    `high` is of moments with a risk of HIGH and more: how many, the sum of their risks, how many came true.
    """

    caught: Tally
    right: Tally
    shapes: Mapping[str, Tally]
    ece: tuple[float, ...]
    high: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def told(self) -> dict[str, Any]:
        """Return it for people."""
        return {
            "caught": _of(self.caught),
            "tickets_right": _of(self.right),
            "ece": float(np.mean(self.ece)) if self.ece else None,
        }


@dataclass(frozen=True, slots=True)
class Judged:
    """How models did in one world, or in several together.

    `sudden` failures came without warning, or began less than a day before. `avoided` and `visits` are those
    of the models at as many visits as fixed thresholds spend; `theirs` what those avoid, `their_visits` and
    `their_right` the visits for it. `own_avoided` and `own_visits` are those of the models' own thresholds.
    """

    faults: Mapping[str, FaultFigures]
    sudden: int
    avoided: int
    visits: int
    theirs: int
    their_visits: int
    their_right: int
    own_avoided: int
    own_visits: int

    def metrics(self) -> dict[str, float]:
        """Return the metrics of the yardstick."""
        return {
            "caught_24h_ahead": _share(_sum(each.caught for each in self.faults.values())),
            "ticket_precision": _share(_sum(each.right for each in self.faults.values())),
            "avoided_ratio_to_thresholds": self.avoided / max(self.theirs, 1),
            "ece": float(np.mean([value for each in self.faults.values() for value in each.ece])),
        }

    def by_shape(self) -> dict[str, str]:
        """Return how many warnable failures were caught, by the shape of their growth."""
        shapes = sorted({shape for each in self.faults.values() for shape in each.shapes})
        return {
            shape: _of(_sum(each.shapes.get(shape, (0, 0)) for each in self.faults.values()))
            for shape in shapes
        }

    def thresholds(self) -> dict[str, Any]:
        """Return how fixed thresholds did, and the models with as many visits."""
        return {
            "visits": self.their_visits,
            "visits_right": self.their_right,
            "failures_avoided": self.theirs,
            "models_at_equal_visits": {"visits": self.visits, "failures_avoided": self.avoided},
            "models_at_their_own": {"visits": self.own_visits, "failures_avoided": self.own_avoided},
        }

    def high_risks(self) -> dict[str, float]:
        """Return what high risks said in the mean, how often they came true, and of how many moments."""
        count, said, true = (sum(each.high[part] for each in self.faults.values()) for part in range(3))
        return {"said": said / max(count, 1), "came_true": true / max(count, 1), "moments": count}


@dataclass
class Scored:
    """One fault's risks over a fleet, device by device."""

    code: str
    threshold: float
    series: list[Series]
    entries: list[list[TruthEntry]]
    tickets: list[Ticket] = field(default_factory=list)

    def at(self, shift: float) -> list[Ticket]:
        """Return the tickets with the threshold's log-odds moved by `shift`."""
        odds = self.threshold / (1 - self.threshold) * np.exp(shift)
        horizon = (FAULTS[self.code].horizon_days or 0) * DAY_MS
        return [
            ticket
            for series, entries in zip(self.series, self.entries, strict=True)
            for ticket in tickets_of(series, float(odds / (1 + odds)), entries, horizon)
        ]


def judge(models: Mapping[str, Trained], fleet: LivedFleet, facts: FleetFacts, rows: Rows) -> Judged:
    """Judge trained models on a fleet's rows by its ground truth."""
    truths = Truths(fleet.truth)
    every = [scored(code, model, rows, truths) for code, model in models.items()]
    start = fleet.start + WARM_UP_MS
    faults = {each.code: _figures(each, truths, start, fleet.end) for each in every}
    failures = [
        e for code in FAULTS for e in truths.of_fault(code) if e.failure and start <= e.failure < fleet.end
    ]
    failures = [e for e in failures if FAULTS[e.fault].horizon_days is not None]
    fixed = [t for t in threshold_tickets(fleet, facts, rows, truths) if t.at >= start]
    ours = _as_many(every, len(fixed), start)
    own = [ticket for each in every for ticket in each.tickets if ticket.at >= start]
    return Judged(
        faults,
        sum(not warnable(each, start, fleet.end) for each in failures),
        sum(caught(each, ours) for each in failures),
        len(ours),
        sum(caught(each, fixed) for each in failures),
        len(fixed),
        sum(ticket.entry is not None for ticket in fixed),
        sum(caught(each, own) for each in failures),
        len(own),
    )


def scored(code: str, model: Trained, rows: Rows, truths: Truths) -> Scored:
    """Return one fault's risks over a fleet, with the tickets of the model's own threshold."""
    place = columns_by_name()
    columns = [place[feature.name] for feature in features_of(code)]
    risk = np.asarray(risk_of(model.classifier, rows.features[:, columns]), dtype=np.float64)
    series = split_by_device(code, rows, risk)
    known = Scored(code, model.threshold, series, [truths.of(s.device_id, code) for s in series])
    return replace(known, tickets=known.at(0.0))


def _figures(scored: Scored, truths: Truths, start: int, end: int) -> FaultFigures:
    tickets = [ticket for ticket in scored.tickets if ticket.at >= start]
    known = [each for each in truths.of_fault(scored.code) if warnable(each, start, end)]
    seen = [caught(each, scored.tickets) for each in known]
    shapes = {
        shape: (
            sum(s for s, e in zip(seen, known, strict=True) if e.shape == shape),
            sum(e.shape == shape for e in known),
        )
        for shape in {each.shape for each in known}
    }
    right = sum(ticket.entry is not None for ticket in tickets)
    truth, risk = _foreseen(scored, end)
    high = risk >= HIGH
    return FaultFigures(
        (sum(seen), len(known)),
        (right, len(tickets)),
        shapes,
        (calibration_error(truth, risk),),
        (float(high.sum()), float(risk[high].sum()), float(truth[high].sum())),
    )


def _foreseen(scored: Scored, end: int) -> tuple[Bools, Floats]:
    """Return whether the fault came within its horizon, and its risk, of all moments at which it had not."""
    horizon = (FAULTS[scored.code].horizon_days or 0) * DAY_MS
    truth: list[Bools] = []
    risks: list[Floats] = []
    for series, entries in zip(scored.series, scored.entries, strict=True):
        judged = (series.times + horizon <= end) & ~broken(entries, series.times)
        truth.append(fails_within(entries, series.times, horizon)[judged])
        risks.append(series.risks[judged])
    return np.concatenate(truth), np.concatenate(risks)


def _as_many(scored: Sequence[Scored], visits: int, start: int) -> list[Ticket]:
    """Return the tickets of the lowest common shift of all thresholds that makes at most so many visits."""
    low, high = -_WIDEST, _WIDEST
    found: list[Ticket] = []
    for _ in range(_STEPS):
        shift = (low + high) / 2
        tickets = [ticket for each in scored for ticket in each.at(shift) if ticket.at >= start]
        if len(tickets) <= visits:
            found, high = tickets, shift
        else:
            low = shift
    return found


_COUNTS = (
    "sudden",
    "avoided",
    "visits",
    "theirs",
    "their_visits",
    "their_right",
    "own_avoided",
    "own_visits",
)


def together(parts: Sequence[Judged]) -> Judged:
    """Return several judgements as one."""
    codes = dict.fromkeys(code for part in parts for code in part.faults)
    return Judged(
        {code: _joined([part.faults[code] for part in parts if code in part.faults]) for code in codes},
        *(sum(getattr(part, name) for part in parts) for name in _COUNTS),
    )


def _joined(parts: Sequence[FaultFigures]) -> FaultFigures:
    shapes = sorted({shape for part in parts for shape in part.shapes})
    return FaultFigures(
        _sum(part.caught for part in parts),
        _sum(part.right for part in parts),
        {shape: _sum(part.shapes.get(shape, (0, 0)) for part in parts) for shape in shapes},
        tuple(value for part in parts for value in part.ece),
        (
            sum(part.high[0] for part in parts),
            sum(part.high[1] for part in parts),
            sum(part.high[2] for part in parts),
        ),
    )


def _sum(tallies: Any) -> Tally:
    pairs = list(tallies)
    return sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)


def _share(tally: Tally) -> float:
    return tally[0] / tally[1] if tally[1] else float("nan")


def _of(tally: Tally) -> str:
    return f"{tally[0]} of {tally[1]}"
