"""Maintenance: what is due, left out this time, or done with another visit."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from api.doors import Acting, ChangesTickets, SeesFleet
from api.queries.upkeep import DueShown, maintenance_due
from api.routes.cases import within
from api.routes.common import DeviceId, Nothing, RowId, problems
from api.schemas import ListOf, Names
from api.services import Services
from api.upkeep_schemas import MaintenanceItem, MaintenanceQuery, SkipAsked
from fleet.text import Text
from storage.records.device_lists import device_of

router = APIRouter(prefix="/api/v1", tags=["maintenance"])
PlanId = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[a-z0-9_.\-]+$", examples=["quarter"])]


@router.get("/maintenance", responses=problems())
def list_maintenance(
    services: Services, sites: SeesFleet, query: Annotated[MaintenanceQuery, Query()]
) -> ListOf[MaintenanceItem]:
    """List what maintenance is due and when, what is overdue first."""
    page = maintenance_due(services, query, sites)
    return ListOf(items=[_item(each) for each in page.rows], next_cursor=page.next_cursor)


@router.post(
    "/devices/{device_id}/maintenance/{plan}/skip",
    status_code=204,
    responses=problems(
        body="The body cannot be read",
        not_found="There is no such device",
        conflict="Its ticket does not allow this: somebody is at it",
    ),
)
def skip(
    services: Services,
    sites: ChangesTickets,
    principal: Acting,
    device_id: DeviceId,
    plan: PlanId,
    asked: SkipAsked,
    _: Nothing,
) -> None:
    """Leave maintenance out this time, for a reason; the next counts from now."""
    with services.desk.transaction() as session:
        device_of(session, device_id, sites)
    services.work.maintenance.skip(device_id, plan, principal, asked.reason)


@router.post(
    "/tickets/{ticket_id}/maintenance/{plan}",
    status_code=204,
    responses=problems(
        not_found="There is no such ticket",
        conflict="It is no repair, the maintenance has a ticket of its own, or it is not due soon",
    ),
)
def done_with(
    services: Services,
    sites: ChangesTickets,
    principal: Acting,
    ticket_id: RowId,
    plan: PlanId,
    _: Nothing,
) -> None:
    """Note that the visit of a repair did maintenance too."""
    within(services, ticket_id, sites)
    services.work.maintenance.done_with(ticket_id, plan, principal)


def _item(shown: DueShown) -> MaintenanceItem:
    due, plan = shown.due, shown.plan
    help_ = None if plan is None or plan.self_help is None else plan.self_help.text
    return MaintenanceItem(
        device_id=due.device_id,
        site=shown.site,
        plan=due.plan,
        name=names(Text(due.plan, due.plan) if plan is None else plan.text),
        due_at=due.due_at,
        overdue=shown.overdue,
        by=due.by,
        hours=due.hours,
        minutes=None if plan is None else plan.minutes,
        self_help=None if help_ is None else names(help_),
        ticket_id=shown.ticket_id,
    )


def names(text: Text) -> Names:
    """Return a text in both languages."""
    return Names(en=text.en, zh=text.zh)
