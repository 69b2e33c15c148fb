"""What people do about what is told: acknowledge for a time, mute and look at what that hides, take notes."""

from dataclasses import replace

from sqlalchemy.orm import Session

from alerts.care.care import Care
from alerts.care.sweep import let_go
from alerts.care.teller import Teller
from alerts.engine import AlertEngine
from fleet.alerts import AlertState
from fleet.care import EXTENDED, AlertNote, Incident, Preview
from fleet.clock import DAY_MS, MINUTE_MS, Clock
from fleet.errors import Conflict, InvalidInput
from fleet.events import Event, Subject
from fleet.mutes import Mute, check_mute
from fleet.principals import Principal, check_reason
from storage.records.alert_notes import add_note
from storage.records.alerts import alert_of
from storage.records.care import case_of, change_case, open_cases, tellings_since
from storage.records.database import DeskDatabase
from storage.records.events import tell
from storage.records.incidents import extended, incident_of, move_incident, note_on_incident
from storage.records.mutes import end_mute, insert_mute, mute_of

LEAST_ACK_MS, MOST_ACK_MS = MINUTE_MS, 30 * DAY_MS
PREVIEW_DAYS = 7


class CareByPeople:
    """The part of care that people steer. Each change is an event of the log, by who made it."""

    def __init__(
        self, desk: DeskDatabase, engine: AlertEngine, care: Care, teller: Teller, clock: Clock
    ) -> None:
        self._desk = desk
        self._engine = engine
        self._care = care
        self._teller = teller
        self._clock = clock

    def acknowledge(self, alert_id: str, by: Principal, why: str, for_ms: int | None = None) -> None:
        """Note that somebody takes care of an alert, for so long; one that is acknowledged is extended.

        Raises NotFound, InvalidInput for a blank reason or a time out of range, Conflict unless it fires.
        """
        _check_time(for_ms)
        with self._desk.transaction() as session:
            extends = alert_of(session, alert_id).state is AlertState.ACKNOWLEDGED and for_ms is not None
        check_reason(why)
        if not extends:
            self._engine.acknowledge(alert_id, by, why)
        self._care.take_in(alert_id)
        if for_ms is not None:
            until = self._clock.now_ms() + for_ms
            told = (by, why) if extends else None
            self._care.surely(lambda session: self._hold_until(session, alert_id, until, told))

    def _hold_until(
        self, session: Session, alert_id: str, until: int, told: tuple[Principal, str] | None
    ) -> bool:
        """Let an acknowledgement hold until a time; `told` is who extends it, and why."""
        case = case_of(session, Subject.ALERT, alert_id)
        if case is None or case.state is not AlertState.ACKNOWLEDGED:
            return True  # it is over already
        if told is not None:
            data = {"until": until, "device_id": case.device_id, "fault": case.fault}
            now = self._clock.now_ms()
            event = Event(now, case.subject, alert_id, EXTENDED, *told, site=case.site, data=data)
            tell(session, event)
        return change_case(session, case, replace(case, ack_until=until, next_at=until))

    def acknowledge_incident(
        self, number: int, by: Principal, why: str, for_ms: int | None = None
    ) -> Incident:
        """Note that somebody takes care of an incident; return it. Raises as `acknowledge`.

        What joins it meanwhile is taken care of by that as well: nobody is told of it, unless it is worse.
        """
        check_reason(why)
        _check_time(for_ms)

        def acknowledge(session: Session) -> bool:
            incident, now = incident_of(session, number), self._clock.now_ms()
            extends = incident.state is AlertState.ACKNOWLEDGED and for_ms is not None
            if incident.state is not AlertState.FIRING and not extends:
                raise Conflict(
                    f"incident {number} is {incident.state}; acknowledged is possible from: firing"
                )
            case = case_of(session, Subject.INCIDENT, str(number))
            if case is None:
                return False
            until = now + (for_ms or self._teller.chain(case).ack_ms)
            if extends:
                extended(session, incident, by, now, why, until)
            elif not move_incident(session, incident, AlertState.ACKNOWLEDGED, by, now, why):
                return False
            after = replace(case, state=AlertState.ACKNOWLEDGED, ack_until=until, next_at=until, held_by=None)
            return change_case(session, case, replace(after, reason=f"acknowledged_by:{by.name}"))

        self._care.surely(acknowledge)
        with self._desk.transaction() as session:
            return incident_of(session, number)

    def note_incident(self, number: int, by: Principal, text: str) -> None:
        """Keep what somebody writes down about an incident. Raises as `note`."""
        check_reason(text)
        with self._desk.transaction() as session:
            note_on_incident(session, incident_of(session, number), by, self._clock.now_ms(), text)

    def preview(self, mute: Mute) -> Preview:
        """Return what a mute would hide. Raises InvalidInput unless it can be."""
        check_mute(mute)
        since = self._clock.now_ms() - PREVIEW_DAYS * DAY_MS
        with self._desk.transaction() as session:
            cases = [case for case in open_cases(session, mute.matcher) if mute.hides(case)]
            return Preview(cases, tellings_since(session, mute.matcher, since))

    def mute(self, mute: Mute, by: Principal) -> Mute:
        """Begin a mute; return it as stored. Raises InvalidInput unless it can be and says why."""
        check_reason(mute.reason)
        now = self._clock.now_ms()
        begun = replace(mute, who=by.name, created_at=now)
        check_mute(begun)
        if begun.end is not None and begun.end <= now:
            raise InvalidInput("end: it must be still to come")
        with self._desk.transaction() as session:
            return insert_mute(session, replace(begun, holding=begun.holds(now)), by)

    def unmute(self, number: int, by: Principal, why: str) -> Mute:
        """End a mute; what it held back and is still open is told in one piece.

        Raises NotFound, InvalidInput when `why` is blank, Conflict when it is over.
        """
        check_reason(why)
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            mute = mute_of(session, number)
            if mute.ended_at is not None or not end_mute(session, mute, by, now, why):
                raise Conflict(f"mute {number} is over")
            let_go(session, self._teller, mute, now)
            return mute_of(session, number)

    def note(self, alert_id: str, by: Principal, text: str) -> AlertNote:
        """Keep what somebody writes down about an alert. Raises NotFound, InvalidInput when it is blank."""
        check_reason(text)
        with self._desk.transaction() as session:
            return add_note(session, alert_of(session, alert_id), by, self._clock.now_ms(), text)


def _check_time(for_ms: int | None) -> None:
    if for_ms is not None and not LEAST_ACK_MS <= for_ms <= MOST_ACK_MS:
        raise InvalidInput("for: out of range; allowed: 1m to 30d")
