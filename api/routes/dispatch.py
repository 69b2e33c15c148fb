"""Who goes to which case when: suggestions, assignments, appointments, and the plan of a day."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query

from api.closing_schemas import MadeLink
from api.dispatch_schemas import (
    ApplyAsked,
    AppointmentAnswer,
    AppointmentItem,
    AssignAsked,
    AssignmentItem,
    DayQuery,
    HoldAsked,
    OfferItem,
    PlanAsked,
    ProposalItem,
    ReasonAsked,
    SuggestionItem,
    TakenOver,
    VisitOfCase,
)
from api.doors import Acting, ChangesDispatch, ChangesTickets, SeesFleet, on_behalf_of
from api.routes.cases import within
from api.routes.common import Nothing, RowId, problems
from api.schemas import ListOf
from api.services import ApiServices, Services
from desk.dispatch.assigning import Sent
from fleet.clock import MINUTE_MS
from fleet.grants import Sites
from fleet.localtime import DAY_MIN, day_of, ms_of
from fleet.principals import Principal
from fleet.proposals import Proposal
from storage.records.appointments import appointment_of
from storage.records.assignments import assignments_between, assignments_of
from storage.records.tickets import sites_of_tickets, ticket

router = APIRouter(prefix="/api/v1", tags=["dispatch"])
_OF_CASE = problems(not_found="There is no such ticket")
_CHANGES = problems(
    body="The body cannot be read",
    not_found="There is no such ticket or engineer",
    conflict="Somebody was first, has another place to be, or is on the way already",
)


@router.get("/tickets/{ticket_id}/assignments", responses=_OF_CASE)
def read_assignments(services: Services, sites: SeesFleet, ticket_id: RowId, _: Nothing) -> VisitOfCase:
    """Return who goes, or went, to a case, and what its customer was told."""
    return _visit(services, ticket_id, sites)


@router.get(
    "/tickets/{ticket_id}/suggestions",
    responses=problems(not_found="There is no such ticket", conflict="Nobody is sent there any more"),
)
def suggest(services: Services, sites: ChangesDispatch, ticket_id: RowId, _: Nothing) -> SuggestionItem:
    """Return who could go to a case, the best first, with what speaks for and against each."""
    found = services.dispatch.suggest(ticket_id, sites)
    return SuggestionItem.model_validate(
        asdict(found) | {"candidates": [asdict(each) for each in found.candidates]}
    )


@router.put("/tickets/{ticket_id}/assignment", responses=_CHANGES)
def assign(
    services: Services,
    sites: ChangesDispatch,
    principal: Acting,
    ticket_id: RowId,
    asked: AssignAsked,
    _: Nothing,
) -> VisitOfCase:
    """Let an engineer go to a case, in place of whoever was to."""
    sent = Sent(
        engineer=asked.engineer,
        arrives=asked.arrives,
        travel_ms=asked.travel_min * MINUTE_MS,
        helpers=tuple(asked.helpers),
        held=asked.held,
        reason=asked.reason,
    )
    assigned(services, ticket_id, sent, principal, sites, tell=asked.tell)
    return _visit(services, ticket_id, sites)


@router.post("/tickets/{ticket_id}/assignment/release", responses=_CHANGES)
def release(
    services: Services,
    sites: ChangesDispatch,
    principal: Acting,
    ticket_id: RowId,
    asked: ReasonAsked,
    _: Nothing,
) -> VisitOfCase:
    """Let nobody go to a case for now."""
    services.dispatch.release(ticket_id, principal, asked.reason, sites)
    return _visit(services, ticket_id, sites)


@router.post("/tickets/{ticket_id}/assignment/hold", responses=_CHANGES)
def hold(
    services: Services,
    sites: ChangesDispatch,
    principal: Acting,
    ticket_id: RowId,
    asked: HoldAsked,
    _: Nothing,
) -> VisitOfCase:
    """Let plans leave an assignment alone, or move it again."""
    services.dispatch.assigning.hold(ticket_id, asked.held, principal, asked.reason, sites)
    return _visit(services, ticket_id, sites)


@router.post("/tickets/{ticket_id}/appointment", responses=_CHANGES)
def tell_appointment(
    services: Services, sites: ChangesTickets, principal: Acting, ticket_id: RowId, _: Nothing
) -> VisitOfCase:
    """Tell the customer of the window in which somebody comes, unless what they know still holds."""
    services.dispatch.appointments.tell(ticket_id, principal, sites)
    return _visit(services, ticket_id, sites)


@router.post("/tickets/{ticket_id}/appointment-link", status_code=201, responses=_CHANGES)
def make_appointment_link(
    services: Services, sites: ChangesTickets, principal: Acting, ticket_id: RowId, _: Nothing
) -> MadeLink:
    """Make a link by which the customer confirms the window, or would rather have another."""
    return appointment_link(services, ticket_id, sites)


@router.post("/tickets/{ticket_id}/appointment/answer", responses=_CHANGES)
def record_answer(
    services: Services,
    sites: ChangesTickets,
    principal: Acting,
    ticket_id: RowId,
    given: AppointmentAnswer,
    _: Nothing,
) -> VisitOfCase:
    """Keep what staff was told by the customer."""
    who = on_behalf_of(principal, given.who)
    services.dispatch.appointments.record(ticket_id, given.answer, who, given.rather, given.remark, sites)
    return _visit(services, ticket_id, sites)


@router.get(
    "/tickets/{ticket_id}/on-the-spot",
    responses=problems(not_found="There is no such ticket", conflict="Nobody is to go there"),
)
def list_offers(services: Services, sites: ChangesTickets, ticket_id: RowId, _: Nothing) -> ListOf[OfferItem]:
    """List what else could be done at its site in the same visit, what fits first."""
    with services.desk.transaction() as session:
        found = services.on_the_spot.offers(session, ticket_id, sites)
    return ListOf(items=[OfferItem.model_validate(asdict(each)) for each in found])


@router.post("/tickets/{ticket_id}/on-the-spot", status_code=201, responses=_CHANGES)
def take_over(
    services: Services,
    sites: ChangesTickets,
    principal: Acting,
    ticket_id: RowId,
    asked: TakenOver,
    _: Nothing,
) -> VisitOfCase:
    """Let who goes there do that, too; answers who goes to what was taken over."""
    made = services.on_the_spot.take(
        ticket_id, principal, sites, other=asked.ticket_id, device_id=asked.device_id, plan=asked.plan
    )
    return _visit(services, made.ticket_id, sites)


@router.get("/assignments", responses=problems())
def list_assignments(
    services: Services, sites: SeesFleet, query: Annotated[DayQuery, Query()]
) -> ListOf[AssignmentItem]:
    """List who goes where on a day, by engineer and time."""
    zone = services.zones.of(None)
    day = query.day or day_of(services.clock.now_ms(), zone)
    begins = ms_of(day, 0, zone)
    with services.desk.transaction() as session:
        found = assignments_between(session, begins, ms_of(day, DAY_MIN, zone))
        places = sites_of_tickets(session, {each.ticket_id for each in found})
    seen = [each for each in found if sites is None or places.get(each.ticket_id) in sites]
    return ListOf(items=[AssignmentItem.model_validate(asdict(each)) for each in seen], next_cursor=None)


@router.post("/dispatch/plans", status_code=201, responses=_CHANGES)
def propose_plan(
    services: Services, sites: ChangesDispatch, principal: Acting, asked: PlanAsked, _: Nothing
) -> ProposalItem:
    """Plan a day of your sites, or of a region's; nothing changes until the plan is applied."""
    return _proposal(services.dispatch.propose(principal, asked.day, sites, asked.seed, region=asked.region))


@router.get("/dispatch/plans", responses=problems())
def list_plans(
    services: Services, sites: ChangesDispatch, query: Annotated[DayQuery, Query()]
) -> ListOf[ProposalItem]:
    """List the plans of a day that change something, or did, the newest first; `causes` say why."""
    day = query.day or day_of(services.clock.now_ms(), services.zones.of(None))
    return ListOf(items=[_proposal(each) for each in services.dispatch.proposals(day, sites)])


@router.get("/dispatch/plans/{plan_id}", responses=problems(not_found="There is no such plan"))
def read_plan(services: Services, sites: ChangesDispatch, plan_id: RowId, _: Nothing) -> ProposalItem:
    """Return a plan: each change says why this engineer, each case left out why, and what would help."""
    return _proposal(services.dispatch.proposal(plan_id, sites))


@router.post("/dispatch/plans/{plan_id}/apply", responses=_CHANGES)
def apply_plan(
    services: Services,
    sites: ChangesDispatch,
    principal: Acting,
    plan_id: RowId,
    asked: ApplyAsked,
    _: Nothing,
) -> ProposalItem:
    """Let a plan be so, once; what others changed since it was made stays theirs, and is `refused`."""
    return _proposal(services.dispatch.apply(plan_id, principal, sites, tell=asked.tell))


def assigned(
    services: ApiServices, ticket_id: int, sent: Sent, by: Principal, sites: Sites, *, tell: bool
) -> None:
    """Assign, and tell the customer where that is wished for."""
    services.dispatch.assigning.assign(ticket_id, sent, by, sites)
    if tell:
        services.dispatch.appointments.tell(ticket_id, by, sites)


def appointment_link(services: ApiServices, ticket_id: int, sites: Sites) -> MadeLink:
    """Make a link to the appointment of a case. Raises NotFound, Conflict."""
    within(services, ticket_id, sites)
    secret = services.dispatch.appointments.link_again(ticket_id)
    with services.desk.transaction() as session:
        known = appointment_of(session, ticket_id)
    assert known is not None  # there is a link to it
    link = f"{services.closing.address}a/{secret}"
    return MadeLink.model_validate({"link": link, "ends": known.link_ends})


def _visit(services: ApiServices, ticket_id: int, sites: Sites) -> VisitOfCase:
    with services.desk.transaction() as session:
        ticket(session, ticket_id, sites)
        found, told = assignments_of(session, ticket_id), appointment_of(session, ticket_id)
    items = [AssignmentItem.model_validate(asdict(each)) for each in found]
    appointment = None if told is None else AppointmentItem.model_validate(asdict(told))
    return VisitOfCase(assignments=items, appointment=appointment)


def _proposal(found: Proposal) -> ProposalItem:
    return ProposalItem.model_validate(asdict(found))
