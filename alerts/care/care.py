"""Cares for alerts once they fire: a follower of the log, and what time brings."""

from collections.abc import Callable
from dataclasses import replace

from sqlalchemy.orm import Session

from alerts.care import stages
from alerts.care.stages import Outcome, Said
from fleet.alerts import INSTALLATION, Alert, AlertState
from fleet.care import Cared, Due
from fleet.clock import DAY_MS, Clock
from fleet.duty import Chain, Duty
from fleet.errors import NotFound
from fleet.events import Event, Subject
from fleet.faults import FAULTS
from fleet.principals import schedule
from fleet.signals import Kind
from fleet.tellings import TELL, UNREACHED, Telling
from storage.records.alerts import alert_of, open_alerts
from storage.records.care import cared_for, due_cares, forget_cares, keep_care
from storage.records.database import DeskDatabase
from storage.records.events import tell

CARE = schedule("care")
ABSENCE = "comms_loss"
"""The fault of a device that is not heard: it hides the others of the same device."""
KEPT_MS = 30 * DAY_MS
_MOST = 1_000


class Care:
    """Decides what is told of alerts, when, and when not; each change of it once, whoever is first.

    `free` takes an acknowledgement that ended from an alert (alerts.engine.AlertEngine.end_acknowledgement).
    """

    name = "care for alerts"

    def __init__(self, desk: DeskDatabase, duty: Duty, clock: Clock, free: Callable[[str], bool]) -> None:
        self._desk = desk
        self._duty = duty
        self._clock = clock
        self._free = free

    def handle(self, event: Event) -> None:
        """Take into account what happened to an alert, or that a step reached nobody."""
        if event.subject is Subject.NOTICE and event.what == UNREACHED:
            self._unreached(event)
        elif event.subject is Subject.ALERT and event.what != TELL:
            self._changed(event)

    def tick(self, now: int) -> int:
        """Do what is due: steps, reminders, acknowledgements that end; return how much that was."""
        with self._desk.transaction() as session:
            due = due_cares(session, now, _MOST)
            forget_cares(session, now - KEPT_MS)
        return sum(self._due(each, now) for each in due)

    def _changed(self, event: Event) -> None:
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            try:
                alert = alert_of(session, event.subject_id)
            except NotFound:
                return
            before = cared_for(session, event.subject, event.subject_id)
            if before is not None and event.id <= before.event:
                return
            cared = before or Cared(Subject.ALERT, alert.id, event.site, alert.level, 0, "new")
            outcome = self._follow(
                session, replace(cared, event=event.id, site=event.site), alert, event, now
            )
            if outcome is not None:
                _carry_out(session, before, outcome, alert, self._chain(outcome.after, alert), now)

    def _follow(self, session: Session, cared: Cared, alert: Alert, event: Event, now: int) -> Outcome | None:
        """Return what follows from an event; None where it is of something that nobody was told of."""
        chain = self._chain(cared, alert)
        if event.after == AlertState.RESOLVED:
            return stages.over(cared, now) if cared.reason != "new" else None
        if event.after == AlertState.ACKNOWLEDGED:
            return Outcome(stages.acknowledged(cared, chain, now))
        if event.after != AlertState.FIRING or cared.over_at is not None:
            return None
        if cared.told_at is None:
            return stages.begin(cared, alert, chain, now, _absence(session, alert))
        if cared.due is Due.ACK_ENDS and event.principal != CARE:
            return stages.ack_ended(cared, alert, chain, now)  # it fires anew although somebody saw to it
        rose = alert.level < cared.level
        return stages.worse(cared, alert, chain, now) if rose else Outcome(cared)

    def _unreached(self, event: Event) -> None:
        subject, subject_id = str(event.data["subject"]), str(event.data["subject_id"])
        with self._desk.transaction() as session:
            before = cared_for(session, subject, subject_id)
            if before is None:
                return
            after = stages.unreached(before, int(event.data["step"]), event.reason, self._clock.now_ms())
            if after is not None:
                keep_care(session, before, after)

    def _due(self, cared: Cared, now: int) -> bool:
        if cared.due is Due.ACK_ENDS:
            self._free(cared.subject_id)  # False where a person was first, of which the log tells
        with self._desk.transaction() as session:
            alert = alert_of(session, cared.subject_id)
            before = cared_for(session, cared.subject, cared.subject_id)
            if before is None or before.next_at != cared.next_at or before.due is not cared.due:
                return False
            chain = self._chain(before, alert)
            outcome = self._elapsed(session, before, alert, chain, now)
            return _carry_out(session, before, outcome, alert, chain, now)

    def _elapsed(self, session: Session, cared: Cared, alert: Alert, chain: Chain, now: int) -> Outcome:
        if alert.state is not AlertState.FIRING:
            return Outcome(replace(cared, due=None, next_at=None))  # the log is about to tell why
        if cared.due is Due.ACK_ENDS:
            return stages.ack_ended(cared, alert, chain, now)
        if cared.due is Due.LOOK:
            return stages.begin(cared, alert, chain, now, _absence(session, alert))
        return stages.step_on(cared, alert, chain, now)

    def _chain(self, cared: Cared, alert: Alert) -> Chain:
        fault = FAULTS.get(alert.fault)
        personal = fault is not None and fault.kind is Kind.WRISTBAND
        return self._duty.chain(alert.level, cared.site, personal=personal)


def _carry_out(
    session: Session, before: Cared | None, outcome: Outcome, alert: Alert, chain: Chain, now: int
) -> bool:
    """Keep a decision and tell the log what is to be told; False where another process was first."""
    if not keep_care(session, before, outcome.after):
        return False
    if outcome.said is not None:
        tell(session, _telling(outcome.after, outcome.said, alert, chain, now))
    return True


def _telling(cared: Cared, said: Said, alert: Alert, chain: Chain, now: int) -> Event:
    telling = Telling(
        occasion=said.occasion,
        reason=said.reason,
        level=alert.level,
        fault=alert.fault,
        since=alert.since,
        device_id=alert.device_id,
        rule=alert.rule,
        alerts=(alert.id,),
        chain=chain.name,
        step=said.step,
        to=said.to,
        loud=said.loud,
    )
    return Event(now, Subject.ALERT, alert.id, TELL, CARE, said.reason, cared.site, data=telling.as_data())


def _absence(session: Session, alert: Alert) -> str | None:
    """Return the alert by which the device of another is known to be absent, if there is one."""
    if alert.fault == ABSENCE or alert.device_id == INSTALLATION:
        return None
    found = (each for each in open_alerts(session, alert.device_id) if each.fault == ABSENCE and each.fires)
    return next((each.id for each in found), None)
