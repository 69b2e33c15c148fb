"""What happens to a case: it is opened, suspicions join and leave, it moves on. Pure functions of values."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from fleet.clock import DAY_MS
from fleet.errors import InvalidInput
from fleet.events import Event, Subject
from fleet.faults import FAULTS, Level, is_unclear
from fleet.principals import Principal
from fleet.signals import Kind
from fleet.tickets import (
    FOLLOW_UP,
    FOUND,
    NO_FAULT,
    REPORT,
    RESTING_STATES,
    Span,
    Suspicion,
    SuspicionState,
    Ticket,
    TicketKind,
    TicketOrigin,
    TicketState,
    likely,
)
from fleet.workflows import SAFETY_FAULTS, WORKFLOWS, kind_of

CLOSE_AFTER_MS = DAY_MS
"""How long people can object to the end of a case whose suspicions have all cleared."""


def suspect(
    fault: str, at: int, evidence: dict[str, Any], level: Level | None = None, alert_id: int | None = None
) -> Suspicion:
    """Return the suspicion of a fault, with the part and the skill that the catalogue says mend it."""
    entry = FAULTS[fault]
    alerts = () if alert_id is None else (alert_id,)
    return Suspicion(fault, level or entry.level, entry.part, entry.skill, at, alerts, evidence=evidence)


def open_case(device_id: str, site: str, origin: TicketOrigin, first: Suspicion, at: int) -> Ticket:
    """Return a new case about a device: what opens a ticket, whoever noticed and whenever that was."""
    return Ticket(
        device_id=device_id,
        site=site,
        fault=first.fault,
        level=first.level,
        origin=origin,
        state=TicketState.OPENED,
        opened_at=at,
        suspicions=(first,),
        spans=(Span(at, TicketState.OPENED, first.level),),
        kind=kind_of(first.fault),
    )


def joined(ticket: Ticket, new: Suspicion, at: int) -> Ticket:
    """Return a case that has taken a suspicion, or another alert or report of one that it has.

    It is not asked to be closed any more. A worse level raises that of the case, with stricter clocks.
    """
    known = ticket.suspicion_of(new.fault)
    if known is None:
        suspicions = (*ticket.suspicions, new)
    else:
        raised_anew = again(known, new)
        suspicions = tuple(raised_anew if each is known else each for each in ticket.suspicions)
    taken = replace(ticket, suspicions=suspicions, close_asked_at=None)
    return named(raised(taken, new.level, at))


def again(known: Suspicion, new: Suspicion) -> Suspicion:
    """Return a suspicion that was raised once more: it stands again, and what a person saw is kept."""
    evidence = dict(new.evidence)
    if new.alerts:
        told, first = known.evidence_of(REPORT), known.evidence_of(FOUND)
        evidence |= {REPORT: told} if told else {}
        evidence |= {FOUND: first} if first and known.follows else {}
    else:
        evidence = known.evidence | {REPORT: new.evidence}
    return replace(
        known,
        level=min(known.level, new.level),
        alerts=tuple(dict.fromkeys((*known.alerts, *new.alerts))),
        state=SuspicionState.SUSPECTED,
        ended_at=None,
        evidence=evidence,
    )


def raised(ticket: Ticket, level: Level, at: int) -> Ticket:
    """Return a case of at least this level: what that promises runs from now (desk/clocks)."""
    return ticket if level >= ticket.level else from_now(replace(ticket, level=level), at)


def from_now(ticket: Ticket, at: int) -> Ticket:
    """Return a case whose state or level begins at `at`; where a clock was set back, no span ends early."""
    begins = max([at, *(span.begins for span in ticket.spans[-1:])])
    return replace(ticket, spans=(*ticket.spans, Span(begins, ticket.state, ticket.level)))


def cleared(ticket: Ticket, fault: str, at: int) -> Ticket:
    """Return a case of which one suspicion is over by itself; unchanged where that one does not stand.

    Where nothing stands any more of a case that we opened, and nobody has set out, it asks to be closed.
    """
    over = ticket.suspicion_of(fault)
    if over is None or over.state is not SuspicionState.SUSPECTED or over.seen:
        return ticket
    gone = replace(over, state=SuspicionState.CLEARED, ended_at=at)
    left = replace(ticket, suspicions=tuple(gone if each is over else each for each in ticket.suspicions))
    return named(replace(left, close_asked_at=at if _asks(left) else None))


def _asks(ticket: Ticket) -> bool:
    return (
        ticket.kind is TicketKind.REPAIR
        and ticket.origin is TicketOrigin.PROACTIVE
        and ticket.state in RESTING_STATES
        and ticket.on_site_at is None
        and all(each.state is SuspicionState.CLEARED for each in ticket.suspicions)
    )


def closes_at(ticket: Ticket) -> int | None:
    """Return when a case that cleared itself is closed (epoch ms); None for one that does not ask for it."""
    if ticket.close_asked_at is None or not ticket.is_open:
        return None
    return ticket.close_asked_at + CLOSE_AFTER_MS


def moved(
    ticket: Ticket,
    after: TicketState,
    at: int,
    confirmed: Sequence[str] | None = None,
    deferred: Sequence[str] | None = None,
) -> Ticket:
    """Return a case in its next state; a milestone keeps the first time it was reached.

    `confirmed` are the faults that were found, or ("none",): required with `repaired`, and with `confirmed`
    where something was suspected anew after the repair; `confirmed` may correct it. `deferred`, said beside
    it, were found as well and are left for a follow-up visit; None leaves those that were said before, but
    for what is `confirmed` now. Raises IllegalTransition and InvalidInput, naming what is allowed.
    """
    way = WORKFLOWS[ticket.kind]
    way.check(ticket.state, after)
    _check_verdict(ticket, after, confirmed, deferred)
    done = from_now(replace(ticket, state=after), at)
    if after not in RESTING_STATES:
        done = replace(done, close_asked_at=None)
    if after is way.answers and ticket.responded_at is None:
        done = replace(done, responded_at=at)
    if after is way.arrives and ticket.on_site_at is None:
        done = replace(done, on_site_at=at)
    if after is way.solves:
        done = replace(done, solved_at=at)
    if after is TicketState.REOPENED:
        done = replace(done, solved_at=None, suspicions=_doubted(ticket.suspicions))
    if ticket.kind is TicketKind.SAFETY and after is way.solves:
        done = replace(done, suspicions=_true(done.suspicions, at))
    if after is TicketState.CANCELLED:
        done = replace(done, suspicions=_dismissed(ticket.suspicions, at))
    if confirmed is not None:
        done = replace(done, suspicions=_judged(done, frozenset(confirmed) - {NO_FAULT}, deferred, at))
    return named(done)


def _check_verdict(
    ticket: Ticket, after: TicketState, confirmed: Sequence[str] | None, deferred: Sequence[str] | None
) -> None:
    if confirmed is None:
        _check_unsaid(ticket, after, deferred)
        return
    if after not in (TicketState.REPAIRED, TicketState.CONFIRMED):
        raise InvalidInput(f"confirmed_fault: allowed with repaired and confirmed, not with {after}")
    if NO_FAULT in confirmed and len(confirmed) > 1:
        raise InvalidInput(f"confirmed_faults: {NO_FAULT!r} stands alone, or leave it out")
    kind = FAULTS[ticket.fault].kind if ticket.fault in FAULTS else None
    known = [entry.code for entry in FAULTS.values() if kind is None or entry.kind is kind]
    # Whoever stood at the device knows more than that something is wrong.
    allowed = [code for code in known if not is_unclear(code)]
    for code in confirmed:
        if code != NO_FAULT and code not in allowed:
            raise InvalidInput(f"{code!r} is no fault of a {kind}; allowed: {', '.join(allowed)}")
    can_wait = faults_that_wait(kind)
    for code in deferred or ():
        if code in confirmed:
            raise InvalidInput(f"deferred_faults: {code} was mended as well, as you say; say one")
        if code not in can_wait:
            what = f"{code!r} is no fault of a {kind} that can wait"
            raise InvalidInput(f"deferred_faults: {what}; allowed: {', '.join(can_wait)}")


def faults_that_wait(kind: Kind | None) -> list[str]:
    """Return what may be left for a follow-up visit at a device of a kind (None: of any kind).

    Nobody comes back for a person in danger, nor for something of which nobody says what it is.
    """
    known = [entry.code for entry in FAULTS.values() if kind is None or entry.kind is kind]
    return [code for code in known if not is_unclear(code) and code not in SAFETY_FAULTS]


def _check_unsaid(ticket: Ticket, after: TicketState, deferred: Sequence[str] | None) -> None:
    if after is TicketState.REPAIRED:
        raise InvalidInput(
            "confirmed_fault: a repaired ticket says what was wrong; "
            f"a fault's code, or {NO_FAULT!r} when no fault was found"
        )
    if deferred is not None:
        raise InvalidInput(
            "deferred_faults: with repaired and confirmed, and beside confirmed_faults: "
            "what was mended, empty where nothing was"
        )
    anew = [each.fault for each in ticket.suspicions if each.state is SuspicionState.SUSPECTED]
    if after is TicketState.CONFIRMED and anew:
        raise InvalidInput(
            f"confirmed_faults: {', '.join(anew)} was suspected after the repair; "
            "say again what was wrong, or reopen the ticket"
        )


def _judged(
    ticket: Ticket, confirmed: frozenset[str], deferred: Sequence[str] | None, at: int
) -> tuple[Suspicion, ...]:
    """Return the suspicions as an engineer judged them, with the faults that nobody had suspected.

    What is neither confirmed nor deferred is refuted, but for what had cleared by itself before anyone was
    there: of that nobody can say any more whether it was true. Nor is what an earlier visit deferred, once
    that has a case of its own.
    """
    later = frozenset(ticket.deferred_faults if deferred is None else deferred) - confirmed
    anew = deferred is not None and ticket.state is TicketState.REPAIRED
    arrived = ticket.solved_at if ticket.on_site_at is None else ticket.on_site_at
    judged = []
    for each in ticket.suspicions:
        if each.fault in confirmed:
            judged.append(replace(each, state=SuspicionState.CONFIRMED, ended_at=at))
        elif each.fault in later:
            judged.append(_put_off(each, at, anew=anew))
        elif _has_own_case(each) or _cleared_before(each, arrived or at):
            judged.append(each)
        elif not each.found:
            judged.append(replace(each, state=SuspicionState.REFUTED, ended_at=at))
    known = {each.fault for each in judged}
    for fault in sorted((confirmed | later) - known):
        state = SuspicionState.CONFIRMED if fault in confirmed else SuspicionState.DEFERRED
        found = suspect(fault, ticket.opened_at, {"source": FOUND})
        judged.append(replace(found, state=state, ended_at=at))
    return tuple(judged)


def _put_off(each: Suspicion, at: int, *, anew: bool) -> Suspicion:
    """Return a suspicion that is left for another visit; found `anew`, it wants a case of its own."""
    if each.state is SuspicionState.DEFERRED and not anew:
        return each
    evidence = {key: value for key, value in each.evidence.items() if key != FOLLOW_UP}
    return replace(each, state=SuspicionState.DEFERRED, ended_at=at, evidence=evidence)


def _cleared_before(each: Suspicion, arrived: int) -> bool:
    return each.state is SuspicionState.CLEARED and (each.ended_at or 0) < arrived


def _has_own_case(each: Suspicion) -> bool:
    return each.state is SuspicionState.DEFERRED and each.follow_up is not None


def _doubted(suspicions: tuple[Suspicion, ...]) -> tuple[Suspicion, ...]:
    """Return the suspicions of a case that is opened again: no verdict holds any more.

    What was deferred and has a case of its own by now is that one's.
    """
    standing = (SuspicionState.SUSPECTED, SuspicionState.CLEARED)
    return tuple(
        each
        if each.state in standing or _has_own_case(each)
        else replace(each, state=SuspicionState.SUSPECTED, ended_at=None)
        for each in suspicions
    )


def _true(suspicions: tuple[Suspicion, ...], at: int) -> tuple[Suspicion, ...]:
    """Return the suspicions of a case of safety that was seen to: a false alarm would have been cancelled."""
    return tuple(
        replace(each, state=SuspicionState.CONFIRMED, ended_at=each.ended_at or at) for each in suspicions
    )


def _dismissed(suspicions: tuple[Suspicion, ...], at: int) -> tuple[Suspicion, ...]:
    """Return the suspicions of a case that was cancelled: whoever did so says that nothing is to mend."""
    return tuple(
        replace(each, state=SuspicionState.REFUTED, ended_at=at)
        if each.state is SuspicionState.SUSPECTED
        else each
        for each in suspicions
    )


def named(ticket: Ticket) -> Ticket:
    """Return a case that is named by the likely one of its suspicions."""
    found = likely(ticket.suspicions)
    return ticket if found is None else replace(ticket, fault=found.fault)


def happened(
    ticket: Ticket,
    what: str,
    principal: Principal,
    reason: str,
    at: int,
    *,
    before: str | None = None,
    after: str | None = None,
    confirmed: Sequence[str] = (),
    **more: Any,
) -> Event:
    """Return the event that tells of a change of a case, which is as it is after it."""
    data: dict[str, Any] = {
        "device_id": ticket.device_id,
        "alerts": [str(alert) for alert in ticket.alerts],
        "confirmed": [code for code in confirmed if code != NO_FAULT],
        "version": ticket.version,
    }
    if ticket.solved_at is not None:
        data["solved_at"] = ticket.solved_at
    return Event(
        at, Subject.TICKET, str(ticket.id), what, principal, reason, ticket.site, before, after, data | more
    )
