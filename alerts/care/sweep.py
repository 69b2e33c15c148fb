"""What is due: told again, escalated, expired, settled, released. Two processes that sweep do each once."""

from contextlib import suppress
from dataclasses import replace

from sqlalchemy.orm import Session

from alerts.care.care import Care
from alerts.care.gathering import gather
from alerts.care.stages import SETTLE_MS, expired
from alerts.care.teller import BY, Teller
from fleet.alerts import AlertState
from fleet.care import Case
from fleet.clock import DAY_MS, HOUR_MS, to_rfc3339
from fleet.errors import NotFound
from fleet.events import Subject
from fleet.mutes import Mute, hiding
from storage.records.alert_notes import forget_counts
from storage.records.care import (
    adopt,
    close_untold,
    due_cases,
    forget_cases,
    free_devices_heard,
    held_cases,
    matching_open,
    over_though_told,
)
from storage.records.database import DeskDatabase
from storage.records.incidents import forget_incidents, incident_of, move_incident
from storage.records.mutes import change_mute, end_mute, holding_mutes, standing_mutes
from storage.records.notes import note_once

KEEP_MS = 30 * DAY_MS
"""So long what was cared for is known after it is over."""
_BEGAN = "care began"
_AT_ONCE = 200


class Sweep:
    """Does what is due; `tick` is called every few seconds, by any number of processes."""

    def __init__(self, desk: DeskDatabase, care: Care, teller: Teller) -> None:
        self._desk = desk
        self._care = care
        self._teller = teller
        self._began: int | None = None
        self._forgot_at = 0

    def tick(self, now: int) -> None:
        """Do all that is due at `now`. Raises StoreUnavailable; the same call may then be repeated."""
        self._take_in_absences(now)
        with self._desk.transaction() as session:
            free_devices_heard(session, now)
            gather(session, self._teller, now)
        self._look_at_mutes(now)
        self._do_due(now)
        if now - self._forgot_at >= HOUR_MS:
            self._forget(now)

    def _take_in_absences(self, now: int) -> None:
        """Begin and end the care for absent devices, all at once."""
        absence, began = self._teller.absence, self._since(now)
        if not absence:
            return
        with self._desk.transaction() as session:
            adopt(session, absence, began, SETTLE_MS)
            close_untold(session, absence, now)
            over = over_though_told(session, absence, _AT_ONCE)
        for alert_id in over:
            self._care.take_in(alert_id)

    def _since(self, now: int) -> int:
        """Return since when there is care: what began before is not told as if it began now."""
        if self._began is None:
            self._began = int(note_once(self._desk, _BEGAN, {"at": now - SETTLE_MS})["at"])
        return self._began

    def _look_at_mutes(self, now: int) -> None:
        with self._desk.transaction() as session:
            for mute in standing_mutes(session):
                self._look_at(session, mute, now)

    def _look_at(self, session: Session, mute: Mute, now: int) -> None:
        """Note whether a mute holds now; what it held back is told in one piece when it no longer does."""
        over = mute.end is not None and now >= mute.end
        if mute.until_resolved and mute.start < now and not matching_open(session, mute):
            over = True
        holds = mute.holds(now) and not over
        if over:
            why = "resolved" if mute.until_resolved else "window_over"
            changed = end_mute(session, mute, BY, now, why)
        else:
            changed = holds != mute.holding and change_mute(session, mute, holding=holds)
        if changed and not holds:
            let_go(session, self._teller, mute, now)

    def _do_due(self, now: int) -> None:
        while True:
            with self._desk.transaction() as session:
                due = due_cases(session, now, _AT_ONCE)
                for case in due:
                    if case.held_by is None or not case.held_by.startswith("budget:"):
                        self._do(session, case, now)
                for held_by in sorted({case.held_by for case in due if case.held_by is not None}):
                    if held_by.startswith("budget:"):
                        who = held_by.removeprefix("budget:")
                        cases = held_cases(session, held_by, now)
                        self._teller.digest(session, cases, f"over_budget:{who}", now)
            for case in due:
                if _is_expired(case) and case.subject is Subject.ALERT:
                    self._care.acknowledgement_over(case)
            if len(due) < _AT_ONCE:
                return

    def _do(self, session: Session, case: Case, now: int) -> None:
        if not _is_expired(case):
            self._teller.attempt(session, case, now)
        elif case.subject is Subject.INCIDENT:
            with suppress(NotFound):
                incident = incident_of(session, int(case.subject_id))
                if move_incident(session, incident, AlertState.FIRING, BY, now, "ack_expired"):
                    due = expired(case, self._teller.chain(case), now)
                    self._teller.attempt(
                        session, replace(case, state=AlertState.FIRING, ack_until=None), now, due
                    )

    def _forget(self, now: int) -> None:
        with self._desk.transaction() as session:
            forget_cases(session, now - KEEP_MS)
            forget_incidents(session, now - KEEP_MS)
            forget_counts(session, to_rfc3339(now - KEEP_MS)[:10])
        self._forgot_at = now


def _is_expired(case: Case) -> bool:
    return case.state is AlertState.ACKNOWLEDGED


def let_go(session: Session, teller: Teller, mute: Mute, now: int) -> None:
    """Tell in one piece what a mute held back and is still open; what another mute hides stays hidden."""
    others = [each for each in holding_mutes(session, now) if each.id != mute.id]
    free = []
    for case in held_cases(session, f"mute:{mute.id}"):
        other = hiding(others, case)
        if other is None:
            free.append(case)
        else:
            teller.keep_muted(session, case, other)
    teller.digest(session, free, f"unmuted:{mute.id}", now)
