"""What is counted of a case: a pure function of the case, its clocks and who worked on it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from desk.clocks.clocks import ClockStatus, MilestoneDue
from fleet.case_facts import EARLY_MS, REPEAT_MS, CaseFact, CaseScore, month_of, month_or_none
from fleet.localtime import clamped
from fleet.sla import Milestone
from fleet.tickets import Suspicion, SuspicionState, Ticket, TicketState

_FOUND = frozenset({SuspicionState.CONFIRMED, SuspicionState.DEFERRED})
_VERDICTS = _FOUND | {SuspicionState.REFUTED}


@dataclass(frozen=True, slots=True)
class Around:
    """What is known around a case: whose its site is, what its device is, and who worked on it.

    `first_seen` is when the device was first seen (epoch ms), None where nobody knows the device any more.
    `past`: the case was brought in, and a time that it does not tell may have been kept or not.
    """

    zone: ZoneInfo
    region: str = ""
    customer: str = ""
    model: str = ""
    firmware: str = ""
    first_seen: int | None = None
    engineer: str = ""
    engineer_name: str = ""
    score: CaseScore | None = None
    past: bool = False


@dataclass(frozen=True, slots=True)
class _Promise:
    due: int | None
    kept: bool


def fact_of(ticket: Ticket, clocks: Iterable[MilestoneDue], around: Around) -> CaseFact:
    """Return what is counted of a case. `clocks` are as they will stand at the end of time."""
    zone = around.zone
    dues = {each.milestone: each for each in clocks}
    respond, on_site = (_promise(dues.get(each)) for each in (Milestone.RESPOND, Milestone.ON_SITE))
    if around.past:
        respond = respond if ticket.responded_at is not None else _Promise(None, False)
        on_site = on_site if ticket.on_site_at is not None else _Promise(None, False)
    repaired_at = _first(ticket, TicketState.REPAIRED)
    closed_at = ticket.spans[-1].begins if ticket.spans and not ticket.is_open else None
    judged_at = _judged_at(ticket, closed_at)
    found = ticket.confirmed_fault
    wall = datetime.fromtimestamp(clamped(ticket.opened_at) // 1000, zone)
    states = {span.state for span in ticket.spans}
    score = around.score
    return CaseFact(
        ticket_id=ticket.id,
        device_id=ticket.device_id,
        site=ticket.site,
        region=around.region,
        customer=around.customer,
        model=around.model,
        firmware=around.firmware,
        fault=ticket.confirmed_faults[0] if ticket.confirmed_faults else ticket.fault,
        level=ticket.level,
        origin=ticket.origin,
        zone=zone.key,
        engineer=around.engineer,
        engineer_name=around.engineer_name,
        opened_at=ticket.opened_at,
        opened_month=month_of(ticket.opened_at, zone),
        weekday=wall.weekday(),
        hour=wall.hour,
        respond_due=respond.due,
        respond_month=month_or_none(respond.due, zone),
        respond_kept=respond.kept,
        on_site_due=on_site.due,
        on_site_month=month_or_none(on_site.due, zone),
        on_site_kept=on_site.kept,
        arrived_at=ticket.on_site_at,
        arrived_month=month_or_none(ticket.on_site_at, zone),
        repaired_at=repaired_at,
        repaired_month=month_or_none(repaired_at, zone),
        closed_at=closed_at,
        closed_month=month_or_none(closed_at, zone),
        judged_month=month_or_none(judged_at, zone),
        scored_month=month_or_none(score.at, zone) if score else None,
        score=score.score if score else None,
        reopened=TicketState.REOPENED in states,
        found=found is not None and bool(ticket.confirmed_faults),
        early=_is_early(ticket, around),
        confirmed=judged_at is not None and bool(_confirmed(ticket)),
        lead_ms=_lead(ticket) if judged_at is not None else None,
        foreseen=_foreseen(ticket) if judged_at is not None else "",
        unfounded=_unfounded(ticket) if judged_at is not None else "",
        waited_part=TicketState.WAITING_PART in states,
        waited_customer=TicketState.WAITING_CUSTOMER in states,
    )


def _promise(clock: MilestoneDue | None) -> _Promise:
    """Return what became of a promise; where its clock waits for ever, nothing is due but what was done."""
    if clock is None or clock.status is ClockStatus.ENDED:
        return _Promise(None, False)
    due = clock.done_at if clock.due is None else clock.due
    return _Promise(due, clock.status is ClockStatus.MET)


def _first(ticket: Ticket, state: TicketState) -> int | None:
    return next((span.begins for span in ticket.spans if span.state is state), None)


def _by_alerts(ticket: Ticket) -> list[Suspicion]:
    """Return what alerts suspected before an engineer saw it; in a follow-up case they join what is known."""
    return [each for each in ticket.suspicions if each.alerts and each.follows is None]


def _confirmed(ticket: Ticket) -> list[Suspicion]:
    """Return what alerts suspected and an engineer found, mended there or left for a follow-up visit."""
    return [each for each in _by_alerts(ticket) if each.state in _FOUND]


def _judged_at(ticket: Ticket, closed_at: int | None) -> int | None:
    """Return when it was known whether what we suspected was true; None for what customers reported."""
    if ticket.origin != "proactive" or not any(each.state in _VERDICTS for each in _by_alerts(ticket)):
        return None
    return ticket.solved_at if ticket.solved_at is not None else closed_at


def _lead(ticket: Ticket) -> int | None:
    """Return how long before somebody stood there the first fault that was found had been suspected."""
    since = [each.since for each in _confirmed(ticket)]
    return ticket.on_site_at - min(since) if since and ticket.on_site_at is not None else None


def _foreseen(ticket: Ticket) -> str:
    found = (each.fault for each in _confirmed(ticket) if _is_predicted(each) and not each.reported)
    return next(found, "")


def _unfounded(ticket: Ticket) -> str:
    if ticket.on_site_at is None or ticket.confirmed_faults or ticket.deferred_faults:
        return ""
    refuted = (each for each in _by_alerts(ticket) if each.state is SuspicionState.REFUTED)
    return next((each.fault for each in refuted if _is_predicted(each)), "")


def _is_predicted(each: Suspicion) -> bool:
    return isinstance(each.evidence.get("risk"), int | float)


def _is_early(ticket: Ticket, around: Around) -> bool:
    if around.first_seen is None or not ticket.confirmed_faults:
        return False
    return around.first_seen <= ticket.opened_at < around.first_seen + EARLY_MS


def linked(facts: Iterable[CaseFact]) -> list[CaseFact]:
    """Return facts of whole devices, each with the case that says its repair did not last.

    A case that ended without a repair says nothing: it cleared itself, or was a mistake.
    """
    cases: dict[tuple[str, str], list[CaseFact]] = defaultdict(list)
    for fact in sorted(facts, key=lambda each: (each.opened_at, each.ticket_id)):
        cases[fact.device_id, fact.fault].append(fact)
    return [_with_next(fact, same) for same in cases.values() for fact in same]


def _with_next(fact: CaseFact, same: list[CaseFact]) -> CaseFact:
    repaired = fact.repaired_at
    if repaired is None:
        return replace(fact, repeated_by=None)
    again = (
        each.ticket_id
        for each in same
        if each.ticket_id != fact.ticket_id
        and repaired <= each.opened_at < repaired + REPEAT_MS
        and (each.closed_at is None or each.repaired_at is not None)
    )
    return replace(fact, repeated_by=next(again, None))
