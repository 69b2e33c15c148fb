"""The ticket desk: alerts and reports become cases, each change legal, reasoned and told."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from desk.tickets.writing import CaseWriter
from fleet.alerts import RISK_RULE, Alert, said_by_device, seen_by_rule
from fleet.cases import CLOSE_AFTER_MS, cleared, closes_at, happened, joined, open_case, suspect
from fleet.errors import Conflict, InvalidInput, NotFound
from fleet.faults import FAULTS, Fault, Level
from fleet.principals import Principal, check_reason, model, rule, schedule
from fleet.tickets import REPORT, Suspicion, Ticket, TicketOrigin, TicketState
from fleet.workflows import kind_of
from storage.records.consents import end_consent
from storage.records.database import DeskDatabase
from storage.records.devices import place_of
from storage.records.events import tell
from storage.records.maintenance_tickets import open_maintenance
from storage.records.tickets import asking_to_close, open_case_of, ticket, ticket_of_alert

_UNKNOWN_SITE = "unknown"
CLEARED_ITSELF = "cleared itself"
"""Why the schedule closes a case of which nothing stands any more."""


class TicketDesk:
    """Opens cases, takes what is suspected into them, and moves them on; each change is an event of the log.

    All methods may be called from any thread and any process, and raise StoreUnavailable when the database
    cannot be reached. Where a reason is asked for it must not be blank: they raise InvalidInput.
    """

    def __init__(self, desk: DeskDatabase, cases: CaseWriter) -> None:
        self._desk = desk
        self._cases = cases

    def open_for(self, alert: Alert) -> int | None:
        """Take an alert into the open case of its device, or open one; return its id, None if it wants none.

        Asked again for the same alert it answers with the same case, which changes only where the alert has
        become worse or the device has said itself meanwhile what it is.
        """
        if not alert.opens_ticket:
            return None
        # Another process may open it between our look and our write: then it is there to be found.
        return self._cases.persistently(lambda: self._take(alert))

    def _take(self, alert: Alert) -> int:
        with self._cases.writing() as session:
            known = ticket_of_alert(session, int(alert.id))
            if known is not None and not _says_more(alert, known):
                return known.id
            now = self._cases.now()
            new = suspect(alert.fault, now, alert.evidence, level_in_case(alert), int(alert.id))
            reason = f"alert {alert.id}: {alert.reason}"
            case = known or open_case_of(session, alert.device_id, kind_of(alert.fault))
            if case is None:
                return self._open(
                    session, alert.device_id, TicketOrigin.PROACTIVE, new, _judge(alert), reason
                )
            self._join(session, case, new, _judge(alert), reason)
            return case.id

    def alert_ended(self, alert: Alert) -> None:
        """Note that what an alert suspected is over by itself, or was ended by a person; harmless to repeat.

        Nothing changes for a case that is closed, or whose suspicion a newer alert has raised again.
        """
        self._cases.persistently(lambda: self._end(alert))

    def _end(self, alert: Alert) -> None:
        with self._cases.writing() as session:
            case = ticket_of_alert(session, int(alert.id))
            if case is None or not case.is_open:
                return
            own = case.suspicion_of(alert.fault)
            if own is None or own.alert_id != int(alert.id):
                return
            now = self._cases.now()
            after = cleared(case, alert.fault, now)
            if after == case:
                return
            stored = self._cases.save(session, case, after)
            reason, who = f"alert {alert.id}: {alert.reason}", _judge(alert)
            tell(session, happened(stored, "left", who, reason, now, fault=alert.fault))
            if stored.close_asked_at is not None:
                reason = "nothing is suspected any more and nobody has set out"
                tell(
                    session,
                    happened(stored, "asked", schedule("care"), reason, now, closes_at=closes_at(stored)),
                )

    def device_moved(self, device_id: str, site: str, principal: Principal, why: str) -> None:
        """Let what is still to be done at a device go with it to another site; harmless to repeat.

        Whoever is at the site before has no more to do with it: what its customer said to a visit is gone.
        """
        self._cases.persistently(lambda: self._move_with(device_id, site, principal, why))

    def _move_with(self, device_id: str, site: str, principal: Principal, why: str) -> None:
        with self._cases.writing() as session:
            place, now = place_of(session, device_id), self._cases.now()
            if place is None or place.site != site:
                return  # it went on meanwhile, which is an event of its own
            upkeep = [ticket(session, number) for number in open_maintenance(session, [device_id]).values()]
            for case in (open_case_of(session, device_id), *upkeep):
                if case is None or case.site == site or case.solved_at is not None:
                    continue
                stored = self._cases.save(session, case, replace(case, site=site))
                end_consent(session, case.id, now)
                tell(session, happened(stored, "site", principal, why, now, before=case.site, after=site))

    def report(self, device_id: str, fault: str, principal: Principal, why: str) -> int:
        """Take a fault that somebody noticed into the open case of its device, or open one; return its id.

        Raises NotFound for an unknown device, InvalidInput for a fault that its kind cannot have.
        """
        check_reason(why)
        return self._cases.persistently(lambda: self._report(device_id, fault, principal, why))

    def _report(self, device_id: str, fault: str, principal: Principal, why: str) -> int:
        with self._cases.writing() as session:
            place = place_of(session, device_id)
            if place is None:
                raise NotFound(f"there is no device {device_id!r}")
            entry = _fault_of(place.kind, fault)
            evidence = {"source": REPORT, "who": principal.name, "why": why}
            new = suspect(entry.code, self._cases.now(), evidence)
            case = open_case_of(session, device_id, kind_of(entry.code))
            if case is None:
                return self._open(session, device_id, TicketOrigin.REPORTED, new, principal, why)
            self._join(session, case, new, principal, why)
            return case.id

    def change_state(
        self,
        ticket_id: int,
        after: TicketState,
        principal: Principal,
        why: str,
        version: int | None = None,
        confirmed: Sequence[str] | None = None,
        deferred: Sequence[str] | None = None,
    ) -> Ticket:
        """Move a ticket on and return it as stored.

        `version` guards against acting on an old reading of it. `repaired` needs `confirmed`: the faults that
        were found, or ("none",); beside it `deferred`, those that are left for a follow-up visit and get a
        case of their own when this one is `confirmed`, which may correct both. A reason is asked for where
        something is cancelled or opened again. Raises NotFound, IllegalTransition, InvalidInput, or Conflict
        when someone else changed it meanwhile.
        """
        with self._cases.writing() as session:
            before = self._cases.read(session, ticket_id, version)
            return self._cases.move(session, before, after, principal, why, confirmed, deferred)

    def read(self, ticket_id: int) -> Ticket:
        """Return a case. Raises NotFound."""
        with self._desk.transaction() as session:
            return ticket(session, ticket_id)

    def keep_open(self, ticket_id: int, principal: Principal, why: str, version: int | None = None) -> Ticket:
        """Object to the end of a case that asks to be closed. Raises NotFound, Conflict where it does not."""
        check_reason(why)
        with self._cases.writing() as session:
            before = self._cases.read(session, ticket_id, version)
            if closes_at(before) is None:
                raise Conflict(f"ticket {ticket_id} does not ask to be closed")
            stored = self._cases.save(session, before, replace(before, close_asked_at=None))
            tell(session, happened(stored, "kept_open", principal, why, self._cases.now()))
            return stored

    def close_cleared(self, now: int) -> int:
        """Close the cases that cleared themselves a day ago and nobody objected to; return how many."""
        with self._desk.transaction() as session:
            ripe = asking_to_close(session, now - CLOSE_AFTER_MS)
        closed = 0
        for ticket_id in ripe:
            with self._cases.writing() as session:
                case = ticket(session, ticket_id)
                end = closes_at(case)
                if end is not None and end <= now:
                    self._cases.move(session, case, TicketState.CANCELLED, schedule("care"), CLEARED_ITSELF)
                    closed += 1
        return closed

    def _open(
        self,
        session: Session,
        device_id: str,
        origin: TicketOrigin,
        first: Suspicion,
        principal: Principal,
        reason: str,
    ) -> int:
        place = place_of(session, device_id)
        site = place.site if place else _UNKNOWN_SITE
        new = open_case(device_id, site, origin, first, first.since)
        case = self._cases.open(session, new)
        tell(
            session,
            happened(case, "opened", principal, reason, first.since, after=case.state, fault=first.fault),
        )
        return case.id

    def _join(
        self, session: Session, before: Ticket, new: Suspicion, principal: Principal, reason: str
    ) -> None:
        stored = self._cases.save(session, before, joined(before, new, new.since))
        known = before.suspicion_of(new.fault) is not None
        what = "joined" if new.alerts or not known else "note"
        tell(session, happened(stored, what, principal, reason, new.since, fault=new.fault))
        if stored.level != before.level:
            tell(
                session,
                happened(
                    stored,
                    "level",
                    principal,
                    f"{new.fault} joined",
                    new.since,
                    before=before.level,
                    after=stored.level,
                    fault=new.fault,
                ),
            )


def level_in_case(alert: Alert) -> Level:
    """Return how bad what an alert tells of is now: where a model alone foresees it, L2 at the worst.

    The device still works. What L1 promises (on site in 4 h) is promised once a rule sees it in readings, the
    device says itself that it failed, or somebody reports it.
    """
    foreseen = alert.rule == RISK_RULE and not seen_by_rule(alert.evidence)
    return max(alert.level, Level.L2) if foreseen else alert.level


def _judge(alert: Alert) -> Principal:
    """Return who raised an alert: a model by its risk, or a rule."""
    return model(RISK_RULE) if alert.rule == RISK_RULE else rule(alert.rule)


def _fault_of(kind: str, code: str) -> Fault:
    allowed = [entry.code for entry in FAULTS.values() if entry.kind == kind]
    if code not in allowed:
        raise InvalidInput(f"{code!r} is no fault of a {kind}; allowed: {', '.join(allowed)}")
    return FAULTS[code]


def _says_more(alert: Alert, case: Ticket) -> bool:
    """Tell whether an alert says worse, or now in the device's own word, than the case took from it."""
    own = case.suspicion_of(alert.fault)
    if own is None or not case.is_open:
        return False
    news = said_by_device(alert.evidence) is not None and said_by_device(own.evidence) is None
    return news or level_in_case(alert) < own.level
