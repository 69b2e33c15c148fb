"""What a clock does by itself: it warns, is breached, and is escalated; each once, at its time."""

from collections.abc import Iterable, Mapping

from desk.clocks.clocks import ClockStatus, MilestoneDue
from fleet.sla import Milestone

WARN, BREACH = "warn", "breach"
ESCALATE = "escalate_"
"""How the further steps begin: escalate_1, escalate_2 ..."""
Steps = dict[tuple[Milestone, str], int]
"""When each step of each milestone is due, epoch ms."""


def escalations(after: Iterable[int]) -> dict[str, int]:
    """Return the further steps by name, each with how long after a breach it follows (ms)."""
    return {f"{ESCALATE}{number}": each for number, each in enumerate(after, 1)}


def steps_of(clocks: Iterable[MilestoneDue], escalate: Mapping[str, int]) -> Steps:
    """Return the steps of a case's clocks; `escalate` says how long after a breach the next follow.

    What was reached in time has none; what was reached too late was breached, told of or not.
    """
    found: Steps = {}
    for clock in clocks:
        if clock.status in (ClockStatus.MET, ClockStatus.ENDED):
            continue
        if clock.due is not None:
            found[clock.milestone, BREACH] = clock.due
        if clock.done_at is not None:
            continue
        if clock.warn_at is not None:
            found[clock.milestone, WARN] = clock.warn_at
        if clock.due is not None:
            for step, after in escalate.items():
                found[clock.milestone, step] = clock.due + after
    return found
