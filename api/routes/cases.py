"""What people do about cases beside moving them on: comments, owners, links, merging, checklists, causes."""

from fastapi import APIRouter

from api.case_schemas import (
    BulkAsked,
    BulkOutcome,
    BulkOutcomes,
    CaseWorkItem,
    CauseAsked,
    CheckAsked,
    CheckItem,
    CommentAsked,
    LateItem,
    LinkAsked,
    LinkItem,
    MergeAsked,
    OwnerAsked,
    SplitAsked,
    Words,
)
from api.doors import Acting, ChangesTickets, SeesFleet
from api.routes.common import Nothing, RowId, problems
from api.services import ApiServices, Services
from fleet.errors import Conflict, IllegalTransition, InvalidInput, NotFound
from fleet.grants import Sites
from fleet.principals import Principal
from fleet.sla import Milestone
from storage.records.ticket_links import links_of
from storage.records.tickets import ticket

router = APIRouter(prefix="/api/v1/tickets", tags=["tickets"])
_CHANGE = problems(
    body="The body cannot be read",
    not_found="There is no such ticket",
    conflict="The tickets do not allow it, or somebody else was first",
)


@router.get("/{ticket_id}/work", responses=problems(not_found="There is no such ticket"))
def show_work(services: Services, sites: SeesFleet, ticket_id: RowId, _: Nothing) -> CaseWorkItem:
    """Show who answers for a case, its links, its checklist, and what was late and why."""
    return _work(services, ticket_id, sites)


@router.post("/{ticket_id}/comments", status_code=204, responses=_CHANGE)
def comment(
    services: Services,
    sites: ChangesTickets,
    principal: Acting,
    ticket_id: RowId,
    asked: CommentAsked,
    _: Nothing,
) -> None:
    """Say something about a case; it stands in its history."""
    within(services, ticket_id, sites)
    services.work.conversation.comment(ticket_id, asked.text, asked.audience, principal)


@router.put("/{ticket_id}/owner", responses=_CHANGE)
def hand_over(
    services: Services,
    sites: ChangesTickets,
    principal: Acting,
    ticket_id: RowId,
    asked: OwnerAsked,
    _: Nothing,
) -> CaseWorkItem:
    """Let somebody answer for a case."""
    within(services, ticket_id, sites)
    services.work.conversation.hand_over(ticket_id, asked.person, principal, asked.reason)
    return _work(services, ticket_id, sites)


@router.post("/{ticket_id}/links", responses=_CHANGE)
def link(
    services: Services,
    sites: ChangesTickets,
    principal: Acting,
    ticket_id: RowId,
    asked: LinkAsked,
    _: Nothing,
) -> CaseWorkItem:
    """Say that two cases belong together."""
    for each in (ticket_id, asked.other):
        within(services, each, sites)
    services.work.joining.link(ticket_id, asked.other, asked.kind, principal)
    return _work(services, ticket_id, sites)


@router.delete("/{ticket_id}/links/{other}", responses=_CHANGE)
def unlink(
    services: Services, sites: ChangesTickets, principal: Acting, ticket_id: RowId, other: RowId, _: Nothing
) -> CaseWorkItem:
    """Say that two cases do not belong together after all."""
    for each in (ticket_id, other):
        within(services, each, sites)
    services.work.joining.unlink(ticket_id, other, principal)
    return _work(services, ticket_id, sites)


@router.post("/{ticket_id}/merge", responses=_CHANGE)
def merge(
    services: Services,
    sites: ChangesTickets,
    principal: Acting,
    ticket_id: RowId,
    asked: MergeAsked,
    _: Nothing,
) -> CaseWorkItem:
    """Let another open case of the site take over what this one holds; answers with that one."""
    for each in (ticket_id, asked.into):
        within(services, each, sites)
    services.work.joining.merge(ticket_id, asked.into, principal, asked.reason)
    return _work(services, asked.into, sites)


@router.post("/{ticket_id}/split", responses=_CHANGE)
def split(
    services: Services,
    sites: ChangesTickets,
    principal: Acting,
    ticket_id: RowId,
    asked: SplitAsked,
    _: Nothing,
) -> CaseWorkItem:
    """Take what people reported of another robot out of a case; answers with that robot's case."""
    within(services, ticket_id, sites)
    other = services.work.joining.split(ticket_id, asked.faults, asked.device_id, principal, asked.reason)
    return _work(services, other, sites)


@router.put("/{ticket_id}/checklist/{item}", responses=_CHANGE)
def tick(
    services: Services,
    sites: ChangesTickets,
    principal: Acting,
    ticket_id: RowId,
    item: str,
    asked: CheckAsked,
    _: Nothing,
) -> CaseWorkItem:
    """Leave an item of a case's checklist done or not done."""
    within(services, ticket_id, sites)
    services.work.procedure.tick(ticket_id, item, principal, done=asked.done, note=asked.note)
    return _work(services, ticket_id, sites)


@router.put("/{ticket_id}/late/{milestone}", responses=_CHANGE)
def explain(
    services: Services,
    sites: ChangesTickets,
    principal: Acting,
    ticket_id: RowId,
    milestone: Milestone,
    asked: CauseAsked,
    _: Nothing,
) -> CaseWorkItem:
    """Say why a milestone was late."""
    within(services, ticket_id, sites)
    services.work.procedure.explain(ticket_id, milestone, asked.cause, principal, asked.note)
    return _work(services, ticket_id, sites)


@router.post("/bulk", responses=problems(body="The body cannot be read"))
def change_many(
    services: Services, sites: ChangesTickets, principal: Acting, asked: BulkAsked, _: Nothing
) -> BulkOutcomes:
    """Move many cases on, each by itself; what is refused says why and stops no other."""
    return BulkOutcomes(items=change_each(services, sites, principal, asked))


def change_each(
    services: ApiServices, sites: Sites, principal: Principal, asked: BulkAsked
) -> list[BulkOutcome]:
    """Move cases on, each by itself; return what became of them, in their order."""
    outcomes = []
    for each in asked.ids:
        try:
            within(services, each, sites)
            moved = services.tickets.change_state(each, asked.state, principal, asked.reason)
        except (NotFound, InvalidInput, Conflict, IllegalTransition) as error:
            outcomes.append(BulkOutcome(id=each, state=None, refused=str(error)))
        else:
            outcomes.append(BulkOutcome(id=each, state=moved.state, refused=None))
    return outcomes


def within(services: ApiServices, ticket_id: int, sites: Sites) -> None:
    """Raise NotFound for a ticket of another site, before anything is said about it."""
    with services.desk.transaction() as session:
        ticket(session, ticket_id, sites)


def _work(services: ApiServices, ticket_id: int, sites: Sites) -> CaseWorkItem:
    with services.desk.transaction() as session:
        case = ticket(session, ticket_id, sites)
        links = [each for each in links_of(session, ticket_id) if sites is None or each.site in sites]
    procedure = services.work.procedure
    return CaseWorkItem(
        owner=int(case.owner) if case.owner.isdecimal() else None,
        owner_name=case.owner_name or None,
        links=[LinkItem.model_validate(each._asdict()) for each in links],
        checklist=[
            CheckItem(
                id=item.id,
                text=Words(en=item.en, zh=item.zh),
                done=left.done if left else False,
                note=left.note if left else "",
                at=left.at if left else None,
                by=left.by if left else None,
            )
            for item, left in procedure.checklist(case)
        ],
        late=[
            LateItem(
                milestone=milestone,
                cause=said.cause if said else None,
                note=said.note if said else "",
                by=said.by if said else None,
            )
            for milestone, said in procedure.late(case)
        ],
        late_causes={each.id: Words(en=each.en, zh=each.zh) for each in procedure.service.late_causes},
    )
