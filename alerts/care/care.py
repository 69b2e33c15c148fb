"""Care for alerts: follows what happens to them, and decides what is told of each, when, and why not."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from sqlalchemy.orm import Session

from alerts.care.evidence import WINDOW_MS, contains
from alerts.care.stages import UNREACHED as UNREACHED_REASON
from alerts.care.stages import expired, more, worse
from alerts.care.teller import BY, Teller
from alerts.engine import AlertEngine
from fleet.alerts import REPORTED_MORE, Alert, AlertState
from fleet.care import Case
from fleet.clock import Clock
from fleet.errors import Conflict, NotFound
from fleet.events import Event, Subject
from fleet.tellings import UNREACHED
from storage.records.alerts import CHANGES, alert_of
from storage.records.care import case_of, change_case, place_in_care
from storage.records.database import DeskDatabase
from storage.records.incidents import open_incidents

_TRIES = 5


class Care:
    """Follows the log of events; what is due later is done by the sweep (alerts/care/sweep.py).

    What stands in the database decides, not the event: to handle one twice does nothing. Absences are left to
    the sweep: thousands may come at once, and they wait for a moment anyhow.
    """

    name = "care for alerts"
    subjects = frozenset({Subject.ALERT, Subject.NOTICE})

    def __init__(self, desk: DeskDatabase, engine: AlertEngine, teller: Teller, clock: Clock) -> None:
        self._desk = desk
        self._engine = engine
        self._teller = teller
        self._clock = clock

    def handle(self, event: Event) -> None:
        """Take in one event."""
        if event.subject is Subject.ALERT and event.what in CHANGES:
            if not _never_fired(event) and not self._is_of_absence(event):
                self.take_in(event.subject_id, event.id)
        elif event.subject is Subject.NOTICE and event.what == UNREACHED:
            self._go_on(event)

    def _is_of_absence(self, event: Event) -> bool:
        if event.data.get("rule") not in self._teller.absence:
            return False
        by_person = AlertState.ACKNOWLEDGED in (event.before, event.after)
        return not by_person or event.after == AlertState.RESOLVED

    def take_in(self, alert_id: str, event_id: int = 0) -> None:
        """Let the care for an alert follow what the alert is now. Raises Conflict when others always win."""
        self.surely(lambda session: self._take_in(session, alert_id, event_id))

    def surely(self, step: Callable[[Session], bool]) -> None:
        """Do a step in a transaction, anew when somebody else changed the same meanwhile."""
        for _ in range(_TRIES):
            try:
                with self._desk.transaction() as session:
                    _check(step(session))
            except _Lost:
                continue
            return
        raise Conflict("what is cared for is changed by others all the time; try again")

    def _take_in(self, session: Session, alert_id: str, event_id: int) -> bool:
        alert, now = alert_of(session, alert_id), self._clock.now_ms()
        case = case_of(session, Subject.ALERT, alert_id)
        if case is None:
            if alert.state not in (AlertState.FIRING, AlertState.ACKNOWLEDGED):
                return True
            return self._begin(session, alert, event_id, now)
        if case.closed_at is not None:
            return True
        joined = alert.reason == REPORTED_MORE and event_id > case.event
        case = replace(case, event=max(case.event, event_id))
        return self._follow(session, alert, case, now, joined=joined)

    def _begin(self, session: Session, alert: Alert, event_id: int, now: int) -> bool:
        case = Case(
            subject=Subject.ALERT,
            subject_id=alert.id,
            device_id=alert.device_id,
            fault=alert.fault,
            rule=alert.rule,
            level=alert.level,
            place=place_in_care(session, alert.device_id),
            since=alert.since,
            raised_at=now,
            event=event_id,
            version=-1,
        )
        case = replace(case, incident=_incident_for(session, case))
        if alert.state is AlertState.ACKNOWLEDGED:
            until = now + self._teller.chain(case).ack_ms
            after = replace(case, state=alert.state, ack_until=until, next_at=until)
            return self._teller.keep(session, case, replace(after, reason=alert.reason))
        return self._teller.attempt(session, case, now)

    def _follow(self, session: Session, alert: Alert, case: Case, now: int, *, joined: bool) -> bool:
        teller = self._teller
        if alert.state is AlertState.RESOLVED:
            return teller.end(session, case, alert.reason, now)
        rose = alert.level < case.level  # "L1" is worse than "L2"
        case = replace(case, level=alert.level) if rose else case
        taken = alert.state is AlertState.ACKNOWLEDGED and case.state is AlertState.FIRING
        if taken:
            until = now + teller.chain(case).ack_ms
            case = replace(case, state=alert.state, ack_until=until, next_at=until, held_by=None)
            case = replace(case, reason=alert.reason[:128])
        if rose and case.told_at is not None:
            return teller.attempt(session, case, now, worse(case, teller.chain(case), now))
        if taken:
            return change_case(session, case, case)
        if alert.state is AlertState.FIRING and case.state is AlertState.ACKNOWLEDGED:
            case = replace(case, state=alert.state, ack_until=None)
            due = more if joined else expired
            return teller.attempt(session, case, now, due(case, teller.chain(case), now))
        if joined and alert.state is AlertState.FIRING and case.told_at is not None:
            return teller.attempt(session, case, now, more(case, teller.chain(case), now))
        return change_case(session, case, case)

    def _go_on(self, event: Event) -> None:
        """Tell the next step at once where one reached nobody."""
        subject, subject_id = Subject(event.data["subject"]), str(event.data["subject_id"])
        step, why = int(event.data["step"]), str(event.data["why"])

        def go_on(session: Session) -> bool:
            case = case_of(session, subject, subject_id)
            waits = case is not None and case.closed_at is None and case.state is AlertState.FIRING
            if case is None or not waits or case.step != step or case.event >= event.id:
                return True
            case = replace(case, event=event.id)
            after = replace(case, reason=f"{UNREACHED_REASON}:{why}")
            if step + 1 >= len(self._teller.chain(case).steps):
                return change_case(session, case, after)  # nobody is left: it is reminded of in time
            return self._teller.attempt(session, after, self._clock.now_ms())

        self.surely(go_on)

    def acknowledgement_over(self, case: Case) -> None:
        """Let an acknowledgement that ran out be over: the alert fires again, and that is told."""
        with suppress(Conflict, NotFound):  # it is over, or somebody else did that
            self._engine.acknowledgement_expired(case.subject_id, BY)
        self.take_in(case.subject_id)


class _Lost(Exception):
    """Somebody else changed the same row meanwhile."""


def _never_fired(event: Event) -> bool:
    """Tell whether an alert is not firing yet, or is over before it was: nobody is to care for that."""
    ended = event.before == AlertState.PENDING and event.after == AlertState.RESOLVED
    return event.after == AlertState.PENDING or ended


def _check(done: bool) -> None:
    if not done:
        raise _Lost


def _incident_for(session: Session, case: Case) -> int | None:
    """Return the open incident that an alert which just began is part of."""
    if case.safety or not case.site:
        return None
    found = (
        each.id
        for each in open_incidents(session, case.fault)
        if contains(each.group, case.place) and case.raised_at >= each.opened_at - WINDOW_MS
    )
    return next(found, None)
