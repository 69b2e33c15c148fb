"""What became of a policy's year: its figures, from the truth, the desk's facts and the journal.

Faults count from their failure or repair within the days that count, cases from their opening.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.year.agenda import day_start
from benchmarks.year.parts import Parts, availability, turnover
from fleet.case_facts import CaseFact
from fleet.clock import DAY_MS, HOUR_MS
from simulators.crew.households import complains_after_h
from simulators.fault_process import FAULT_ROW, FAULT_SPECS
from simulators.ground_truth import GroundTruth, TruthEntry

if TYPE_CHECKING:
    from benchmarks.year.life import Life

NAMES = (
    "wait_h",
    "first_time_fix",
    "response_on_time",
    "on_site_on_time",
    "travel_min",
    "complaints",
    "parts_turnover",
    "parts_availability",
    "out_of_use_h",
)
_STOPS = frozenset(spec.code for spec in FAULT_SPECS if spec.stops)


def figures_of(life: "Life", parts: Parts, truth: GroundTruth, first: int, days: int) -> dict[str, Any]:
    """Return the figures of the days that count, and beside them what explains them."""
    start, end = day_start(first), day_start(first) + days * DAY_MS
    facts = [each for each in life.office.facts(life.city.robots) if start <= each.opened_at < end]
    entries = [each for each in truth if _ended(each, end) >= start and each.onset < end]
    waits = _waits(entries, start, end)
    broken = [wait for wait in waits if wait > 0]
    counted = range(first, first + days)
    found: dict[str, Any] = {
        "wait_h": _mean(waits),
        "first_time_fix": _first_time(life, facts, entries, end),
        "response_on_time": _kept(facts, "respond", end),
        "on_site_on_time": _kept(facts, "on_site", end),
        "travel_min": _mean([minutes for at, minutes in life.field.journal.travel if start <= at < end]),
        "complaints": _complaints(life, entries, start, end) * 1000 / len(life.city.robots) * 365 / days,
        "parts_turnover": turnover(parts.tally, counted),
        "parts_availability": availability(parts.tally, counted),
        "out_of_use_h": _out_of_use(life, entries, start, end) / len(life.city.robots) * 365 / days,
    }
    beside = {
        "wait_of_breakdowns_h": _mean(broken),
        "faults": len(waits),
        "breakdowns": len(broken),
        "cases": len(facts),
        "visits": sum(1 for at, _ in life.field.journal.travel if start <= at < end),
        "absent": life.field.journal.absent,
        "first_time_fix_of_the_indicators": _by_indicator(facts),
        "open_at_the_end": sum(each.closed_at is None for each in facts),
        "detours": life.field.journal.detours,
        "follow_ups": life.field.journal.follow_ups,
        "why_again": dict(life.field.journal.again.most_common()),
        "late_on_site": dict(_late(facts, end).most_common()),
    }
    return {"figures": found, "beside": beside}


def _ended(entry: TruthEntry, end: int) -> int:
    return end if entry.repaired_at is None else entry.repaired_at


def _waits(entries: Sequence[TruthEntry], start: int, end: int) -> list[float]:
    """Return the hours from breakdown to repair of each fault; 0 where it was mended before it broke down.

    What still waits at the end counts up to there; what customers mended alone, and what only began, is left
    out.
    """
    found = []
    for each in entries:
        if each.repaired_by == "customer":
            continue
        ended = _ended(each, end)
        if each.failure is not None and start <= each.failure < end:
            found.append((min(ended, end) - each.failure) / HOUR_MS)
        elif each.failure is None and each.repaired_at is not None and start <= each.repaired_at < end:
            found.append(0.0)
    return found


def _first_time(life: "Life", facts: Sequence[CaseFact], entries: Sequence[TruthEntry], end: int) -> float:
    """Return the share of repaired cases that took one visit, which mended all that had failed for good.

    A closed door is no visit; a visit that ends for want of a part is one. Not for good: the device has
    another case of the same fault within 30 days, and that was there at the first visit already, as the truth
    knows. A fault that began anew after a repair is none of it (the desk cannot tell, and its own indicator
    counts both): a robot of this city has each of its faults anew within 30 days with a chance of about one
    in ten.
    """
    journal = life.field.journal
    alive: dict[tuple[str, str], list[TruthEntry]] = {}
    for entry in entries:
        alive.setdefault((entry.device_id, entry.fault), []).append(entry)
    done = [each for each in facts if each.repaired_at is not None and each.repaired_at < end]
    once = [
        journal.visits.get(each.ticket_id, 0) == 1
        and each.ticket_id not in journal.vain_cases
        and not each.reopened
        and not (each.repeated_by is not None and _outlived(each, alive))
        for each in done
    ]
    return _mean(once)


def _outlived(fact: CaseFact, entries: Mapping[tuple[str, str], Sequence[TruthEntry]]) -> bool:
    """Tell whether a fault was there before a case was repaired, and after it."""
    at = fact.repaired_at or 0
    return any(
        each.onset < at and (each.repaired_at is None or each.repaired_at > at)
        for each in entries.get((fact.device_id, fact.fault), ())
    )


def _by_indicator(facts: Sequence[CaseFact]) -> float:
    done = [each for each in facts if each.repaired_at is not None]
    return _mean([not each.reopened and each.repeated_by is None for each in done])


def _kept(facts: Sequence[CaseFact], milestone: str, end: int) -> float:
    """Return the share of promises that fell due and were kept, by the facts of the desk's indicators."""
    due = [
        getattr(each, f"{milestone}_kept")
        for each in facts
        if (at := getattr(each, f"{milestone}_due")) is not None and at <= end
    ]
    return _mean(due)


def _late(facts: Sequence[CaseFact], end: int) -> Counter[str]:
    """Count the promises of being on site that were not kept, by level, who noticed, and fault."""
    return Counter(
        f"{each.level} {each.origin} {each.fault}"
        for each in facts
        if each.on_site_due is not None and each.on_site_due <= end and not each.on_site_kept
    )


def _complaints(life: "Life", entries: Sequence[TruthEntry], start: int, end: int) -> int:
    """Return how many customers complained of how long they waited."""
    rows = {robot: row for row, robot in enumerate(life.city.robots)}
    found = 0
    for each in entries:
        if each.failure is None or not start <= each.failure < end or each.repaired_by == "customer":
            continue
        robot = rows[each.device_id]
        luck = life.city.luck(8, robot, FAULT_ROW[each.fault], each.failure // (7 * DAY_MS))
        household = life.city.place(robot).household
        vain = life.field.journal.vain_between(robot, each.failure, _ended(each, end))
        waited = (min(_ended(each, end), end) - each.failure) / HOUR_MS
        found += waited > complains_after_h(household, float(luck.random()), vain)
    return found


def _out_of_use(life: "Life", entries: Sequence[TruthEntry], start: int, end: int) -> float:
    """Return the hours in which robots stood still: broken down so that they stop, or being worked at."""
    spans: dict[str, list[tuple[int, int]]] = {}
    for each in entries:
        if each.failure is not None and each.fault in _STOPS:
            spans.setdefault(each.device_id, []).append((each.failure, _ended(each, end)))
    for _, device, begins, ends in life.field.journal.at_work:
        spans.setdefault(device, []).append((begins, ends))
    return sum(_union(each, start, end) for each in spans.values()) / HOUR_MS


def _union(spans: Sequence[tuple[int, int]], start: int, end: int) -> int:
    total, reached = 0, start
    for from_, to in sorted(spans):
        begins, ends = max(from_, reached), min(to, end)
        if ends > begins:
            total += ends - begins
            reached = ends
    return total


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
