"""What follows a repair: feedback, calls, follow-ups, the record of the visit, and how warnings proved."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session

from api.closing_schemas import (
    CallBackItem,
    FaultRecordItem,
    FeedbackGiven,
    FeedbackItem,
    FeedbackQuery,
    FollowUpEnd,
    FollowUpItem,
    JudgedByItem,
    JudgedCaseItem,
    JudgedItem,
    MadeLink,
    Tried,
    VisitGiven,
    VisitItem,
)
from api.doors import Acting, ChangesTickets, SeesFleet, on_behalf_of
from api.params import FaultCode
from api.routes.common import Nothing, RowId, problems
from api.schemas import ListOf
from api.services import Services
from fleet.feedback import CallBack, FaultRecord, Feedback, PartUsed, Said, Visit
from fleet.grants import Sites
from storage.records.fault_records import fault_records
from storage.records.feedback import FeedbackFilter, find_feedback, link_of_case
from storage.records.paging import Page

MOST_CASES = 100
router = APIRouter(prefix="/api/v1", tags=["feedback"])
_OF_TICKET = problems(
    body="The body cannot be read",
    not_found="There is no such ticket",
    conflict="Its state does not allow this, or it is done already",
)


@router.get("/feedback", responses=problems())
def list_feedback(
    services: Services, sites: SeesFleet, query: Annotated[FeedbackQuery, Query()]
) -> ListOf[FeedbackItem]:
    """List what customers said of repairs, the newest first."""
    with services.desk.transaction() as session:
        page = found_feedback(session, query, sites)
    return ListOf(items=[feedback_item(each) for each in page.rows], next_cursor=page.next_cursor)


@router.post("/tickets/{ticket_id}/feedback", status_code=201, responses=_OF_TICKET)
def record_feedback(
    services: Services,
    sites: ChangesTickets,
    principal: Acting,
    ticket_id: RowId,
    given: FeedbackGiven,
    _: Nothing,
) -> FeedbackItem:
    """Record what staff was told of a ticket's newest repair."""
    who = on_behalf_of(principal, given.who)
    said = Said(given.score, given.solved, given.remark)
    return feedback_item(services.closing.feedback.record(ticket_id, said, given.source, who, sites))


@router.post("/tickets/{ticket_id}/feedback-link", status_code=201, responses=_OF_TICKET)
def make_feedback_link(
    services: Services, sites: ChangesTickets, principal: Acting, ticket_id: RowId, _: Nothing
) -> MadeLink:
    """Make a link by which the customer judges a ticket's newest repair, once."""
    secret = services.closing.feedback.new_link(ticket_id, principal, sites)
    with services.desk.transaction() as session:
        link = link_of_case(session, ticket_id)
    assert link is not None  # it was made just now
    return MadeLink.model_validate({"link": f"{services.closing.address}f/{secret}", "ends": link.ends})


@router.get("/callbacks", responses=problems())
def list_callbacks(services: Services, sites: ChangesTickets, _: Nothing) -> ListOf[CallBackItem]:
    """List repairs that nobody said anything about and that are to be called about, the newest first."""
    return ListOf(items=[_call(each) for each in services.closing.feedback.call_list(sites)])


@router.post("/tickets/{ticket_id}/not-reached", responses=_OF_TICKET)
def note_not_reached(
    services: Services, sites: ChangesTickets, principal: Acting, ticket_id: RowId, _: Nothing
) -> Tried:
    """Note that nobody was reached by a call: it is listed again tomorrow, three times at most."""
    return Tried(tries=services.closing.feedback.not_reached(ticket_id, principal, sites))


@router.get("/follow-ups", responses=problems())
def list_follow_ups(services: Services, sites: ChangesTickets, _: Nothing) -> ListOf[FollowUpItem]:
    """List low scores that nobody has looked after yet, the overdue first."""
    found = services.closing.feedback.follow_ups(sites)
    return ListOf(items=[FollowUpItem.model_validate(each) for each in found])


@router.post(
    "/follow-ups/{follow_up_id}/done",
    responses=problems(
        body="The body cannot be read", not_found="There is none such", conflict="It is done already"
    ),
)
def end_follow_up(
    services: Services,
    sites: ChangesTickets,
    principal: Acting,
    follow_up_id: RowId,
    end: FollowUpEnd,
    _: Nothing,
) -> FollowUpItem:
    """Say what came of a follow-up."""
    who = on_behalf_of(principal, end.who)
    done = services.closing.feedback.end_follow_up(follow_up_id, who, end.said, sites)
    return FollowUpItem.model_validate(done)


@router.put("/tickets/{ticket_id}/visit", responses=_OF_TICKET)
def write_visit(
    services: Services,
    sites: ChangesTickets,
    principal: Acting,
    ticket_id: RowId,
    given: VisitGiven,
    _: Nothing,
) -> VisitItem:
    """Write down the visit of a ticket, while it is being repaired or was."""
    visit = Visit(
        ticket_id,
        0,
        "",
        given.arrived,
        given.minutes,
        tuple(PartUsed(each.code, each.quantity, each.serial) for each in given.parts),
        given.remark,
        given.signature,
        given.signed_by,
        given.next_service,
    )
    who = on_behalf_of(principal, given.who)
    kept = services.closing.visits.write(visit, who, sites, signed=given.signature is not None)
    return _visit(kept)


@router.get("/faults/{fault}/record", responses=problems())
def show_fault_record(services: Services, sites: SeesFleet, fault: FaultCode, _: Nothing) -> FaultRecordItem:
    """Show how often warnings of a fault were right, by each rule or model that gave them."""
    with services.desk.transaction() as session:
        return _record(fault_records(session, [fault], sites)[fault])


def found_feedback(session: Session, query: FeedbackQuery, sites: Sites) -> Page[Feedback]:
    """Return one page of feedback of some sites, the newest first."""
    wanted = FeedbackFilter(query.site, query.source, query.below, query.solved, query.since, query.until)
    return find_feedback(session, wanted, replace(query.asked(), sort="-at"), sites)


def feedback_item(found: Feedback) -> FeedbackItem:
    """Return feedback as the API shows it."""
    names = [name for name in FeedbackItem.model_fields if hasattr(found, name)]
    values = {name: getattr(found, name) for name in names}
    said = {"score": found.said.score, "solved": found.said.solved, "remark": found.said.remark}
    return FeedbackItem.model_validate(values | said)


def _call(found: CallBack) -> CallBackItem:
    case = found.ticket
    values = {"ticket_id": case.id, "device_id": case.device_id, "site": case.site, "fault": case.fault}
    values |= {"repaired_at": found.repaired_at, "tries": found.tries, "contact": found.contact}
    return CallBackItem.model_validate(values)


def _visit(found: Visit) -> VisitItem:
    names = [name for name in VisitItem.model_fields if hasattr(found, name)]
    values = {name: getattr(found, name) for name in names}
    return VisitItem.model_validate(values | {"signed": found.signature is not None})


def _record(found: FaultRecord) -> FaultRecordItem:
    by = [JudgedByItem(by=name, right=each.right, judged=each.judged) for name, each in found.by.items()]
    return FaultRecordItem(
        fault=found.fault,
        all=JudgedItem.model_validate(found.all),
        by=by,
        cases=[JudgedCaseItem.model_validate(each) for each in found.cases[:MOST_CASES]],
    )
