"""Inspections: each repair by its engineer, samples by a leader and by quality; each is done once."""

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy.orm import Session

from desk.inspections.sampling import last_month, last_week, sampled
from desk.tickets.writing import CaseWriter
from fleet.cases import happened
from fleet.errors import Conflict, InvalidInput, NotAllowed
from fleet.grants import Sites
from fleet.principals import Principal, PrincipalKind
from fleet.service import InspectionLevel, InspectionList, Scored, ServiceFile
from fleet.text import near, quoted
from fleet.tickets import Ticket, TicketKind, TicketState
from storage.records.database import DeskDatabase
from storage.records.events import tell
from storage.records.inspections import (
    Finished,
    Inspection,
    add_inspections,
    begin_round,
    finished_cases,
    inspection,
    write_inspection,
)
from storage.records.tickets import ticket

LONGEST_REMARK = 4000
_PERIODS = {InspectionLevel.LEADER: last_week, InspectionLevel.QUALITY: last_month}


class InspectionDesk:
    """Chooses what is inspected, and keeps what was found. May be used from any thread and process."""

    def __init__(self, desk: DeskDatabase, cases: CaseWriter, service: ServiceFile) -> None:
        self._desk = desk
        self._cases = cases
        self._asked = service.inspections
        cases.follow(self._moved)

    def tick(self) -> int:
        """Draw the samples of the last week and the last month, once; return how many cases were chosen."""
        now, chosen = self._cases.now(), 0
        for level, period_of in _PERIODS.items():
            asked = self._asked.get(level)
            if asked is None:
                continue
            period, begin, end = period_of(now)
            with self._cases.writing() as session:
                if begin_round(session, level, period, now):
                    cases = sampled(level, period, finished_cases(session, begin, end), asked)
                    chosen += add_inspections(session, level, cases, now, now + asked.due_ms)
        return chosen

    def _moved(
        self, session: Session, _before: Ticket, after: Ticket, principal: Principal, _why: str
    ) -> None:
        """Let the engineer of a repair look at their own work."""
        asked = self._asked.get(InspectionLevel.SELF)
        if asked is None or after.kind is not TicketKind.REPAIR or after.state is not TicketState.REPAIRED:
            return
        engineer = (after.owner, after.owner_name) if after.owner else (_person(principal), principal.name)
        case = Finished(after.id, after.site, after.device_id, *(each[:64] for each in engineer))
        now = self._cases.now()
        add_inspections(session, InspectionLevel.SELF, [case], now, now + asked.due_ms)

    def items(self, found: Inspection) -> list[tuple[Scored, bool]]:
        """Return what an inspection looks at, and what of it was in order; of a done one as it was then."""
        if found.done_at is not None:
            return [(Scored(**each["item"]), each["ok"]) for each in found.items.get("items", ())]
        asked = self._asked.get(found.level)
        return [] if asked is None else [(item, False) for item in asked.items]

    def do(
        self, number: int, in_order: Collection[str], remark: str, principal: Principal, sites: Sites = None
    ) -> Inspection:
        """Keep what was found: `in_order` are the ids of the items that are.

        Raises NotFound, InvalidInput for an item that is not of it, NotAllowed where somebody would inspect
        what they did themselves (a self-check: what another did), Conflict where it was done.
        """
        if len(remark) > LONGEST_REMARK or "\x00" in remark:
            raise InvalidInput(f"remark: up to {LONGEST_REMARK} characters")
        with self._cases.writing() as session:
            before = inspection(session, number, sites)
            _check_who(before, principal)
            if before.done_at is not None:
                raise Conflict(f"inspection {number} was done by {before.by_name}")
            asked = self._asked.get(before.level)
            if asked is None:
                raise Conflict(f"nothing is inspected as {before.level} any more")
            _check_items(in_order, asked)
            done = replace(
                before,
                by=principal.id[:64],
                by_name=principal.name[:64],
                done_at=self._cases.now(),
                score=_score(in_order, asked),
                items={
                    "items": [{"item": each.model_dump(), "ok": each.id in in_order} for each in asked.items]
                },
                remark=remark.strip(),
            )
            write_inspection(session, done)
            case = ticket(session, before.ticket_id)
            now = self._cases.now()
            told = happened(
                case, "inspected", principal, done.remark, now, level=before.level, score=done.score
            )
            tell(session, told)
            return done


def may_do(found: Inspection, principal: Principal) -> bool:
    """Tell whether somebody may do one: a self-check the engineer alone, the others anybody else."""
    own = bool(found.engineer) and found.engineer == _person(principal)
    return own or not found.engineer if found.level is InspectionLevel.SELF else not own


def _person(principal: Principal) -> str:
    """Return the id of a person, "" for a token or anything else: ids of others begin at 1, too."""
    return principal.id if principal.kind is PrincipalKind.PERSON else ""


def _check_who(found: Inspection, principal: Principal) -> None:
    if may_do(found, principal):
        return
    if found.level is InspectionLevel.SELF:
        raise NotAllowed(f"a self-check is done by the engineer of the case, {found.engineer_name}")
    raise NotAllowed("nobody inspects a case that is their own")


def _check_items(in_order: Collection[str], asked: InspectionList) -> None:
    known = [each.id for each in asked.items]
    for each in in_order:
        if each not in known:
            raise InvalidInput(
                f"items: {quoted(each)} is not looked at; allowed: {', '.join(known)}{near(each, known)}"
            )


def _score(in_order: Collection[str], asked: InspectionList) -> int:
    reached = sum(each.points for each in asked.items if each.id in in_order)
    return round(100 * reached / sum(each.points for each in asked.items))
