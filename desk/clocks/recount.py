"""Reckons clocks of open cases anew: after a change of the policy, a calendar, a plan or a site's clock."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from desk.clocks.clocks import Clocks, MilestoneDue
from desk.clocks.standing import TicketClocks, dues_of
from fleet.garbage import seldom_collected
from fleet.sla import Milestone
from storage.records.clock_steps import change_steps, next_steps, steps_known
from storage.records.database import DeskDatabase
from storage.records.parts import parts_of
from storage.records.ticket_times import Dues, TicketTimes, open_times, save_dues

_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Moved:
    """An open case whose milestone would be due at another time; `breaks`: it would be overdue at once."""

    ticket_id: int
    device_id: str
    milestone: Milestone
    before: int | None
    after: int | None
    breaks: bool


class Recount:
    """Goes through all open cases, some at a time; others may write meanwhile."""

    def __init__(self, desk: DeskDatabase, clocks: TicketClocks) -> None:
        self._desk = desk
        self._clocks = clocks

    def all(self, now: int) -> int:
        """Reckon all open cases anew; return how many of them are due at another time.

        What somebody changes meanwhile is reckoned by who changes it.
        """
        with seldom_collected():
            return self._again(now)

    def at_sites(self, sites: Collection[str], now: int) -> int:
        """Reckon the open cases of some sites anew; return how many of them are due at another time."""
        with seldom_collected():
            return sum(self._again(now, part) for part in parts_of(sorted(sites)))

    def _again(self, now: int, sites: Collection[str] | None = None) -> int:
        moved = after = 0
        while True:
            with self._desk.transaction() as session:
                cases = open_times(session, after, _AT_ONCE, sites)
                if not cases:
                    return moved
                known = steps_known(session, [each.id for each in cases])
                dues, steps, untold = {}, {}, {}
                for case in cases:
                    clocks = self._clocks.dues(case, now)
                    due = dues_of(clocks)
                    if due != dues_known(case):
                        dues[case.id, case.version] = due
                    own = known.get(case.id, {})
                    told = {key for key, (_at, is_told) in own.items() if is_told}
                    coming = next_steps(self._clocks.steps(clocks), told)
                    before = {key: at for key, (at, is_told) in own.items() if not is_told}
                    if coming != before:
                        steps[case.id], untold[case.id] = coming, before
                save_dues(session, dues)
                change_steps(session, untold, steps)
            moved, after = moved + len(dues), cases[-1].id

    def preview(self, other: Clocks, now: int) -> Iterator[Moved]:
        """Yield what another policy or calendar would change of the open cases, without changing it."""
        theirs, after = self._clocks.by(other), 0
        while True:
            with self._desk.transaction() as session:
                cases = open_times(session, after, _AT_ONCE)
            if not cases:
                return
            for case in cases:
                yield from _moved(case, self._clocks.dues(case, now), theirs.dues(case, now), now)
            after = cases[-1].id


def dues_known(case: TicketTimes) -> Dues:
    """Return what lists have of a case."""
    return Dues(case.respond_due, case.on_site_due, case.solve_due, case.plan_due)


def _moved(
    case: TicketTimes, now_are: tuple[MilestoneDue, ...], would: tuple[MilestoneDue, ...], now: int
) -> Iterator[Moved]:
    before = {each.milestone: each for each in now_are}
    after = {each.milestone: each for each in would}
    for milestone in Milestone:
        one, other = before.get(milestone), after.get(milestone)
        if any(each is not None and each.done_at is not None for each in (one, other)):
            continue
        was, becomes = (None if each is None else each.due for each in (one, other))
        if was != becomes:
            breaks = becomes is not None and becomes < now and (was is None or was >= now)
            yield Moved(case.id, case.device_id, milestone, was, becomes, breaks)
