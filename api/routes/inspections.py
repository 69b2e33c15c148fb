"""Inspections of finished work: which there are, doing one, and how engineers stand."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.doors import Acting, ChangesTickets, SeesFleet
from api.queries.upkeep import inspections, scores
from api.routes.common import Nothing, RowId, problems
from api.routes.maintenance import names
from api.schemas import ListOf
from api.services import ApiServices, Services
from api.upkeep_schemas import (
    InspectedItem,
    InspectionAsked,
    InspectionItem,
    InspectionQuery,
    ScoreItem,
    ScoresQuery,
)
from storage.records.inspections import Inspection, inspection

router = APIRouter(prefix="/api/v1/inspections", tags=["inspections"])


@router.get("", responses=problems())
def list_inspections(
    services: Services, sites: SeesFleet, query: Annotated[InspectionQuery, Query()]
) -> ListOf[InspectionItem]:
    """List inspections, what is due first first."""
    page = inspections(services, query, sites)
    return ListOf(items=[_item(services, each) for each in page.rows], next_cursor=page.next_cursor)


@router.get("/scores", responses=problems())
def list_scores(
    services: Services, sites: SeesFleet, query: Annotated[ScoresQuery, Query()]
) -> ListOf[ScoreItem]:
    """List how the work of each engineer was judged by others."""
    found = scores(services, query.since, query.until, sites)
    return ListOf(items=[ScoreItem.model_validate(each._asdict()) for each in found])


@router.get("/{inspection_id}", responses=problems(not_found="There is no such inspection"))
def show_inspection(services: Services, sites: SeesFleet, inspection_id: RowId, _: Nothing) -> InspectionItem:
    """Show one inspection with what it looks at."""
    with services.desk.transaction() as session:
        found = inspection(session, inspection_id, sites)
    return _item(services, found)


@router.put(
    "/{inspection_id}",
    responses=problems(
        body="The body cannot be read",
        not_found="There is no such inspection",
        conflict="It was done already",
    ),
)
def do_inspection(
    services: Services,
    sites: ChangesTickets,
    principal: Acting,
    inspection_id: RowId,
    asked: InspectionAsked,
    _: Nothing,
) -> InspectionItem:
    """Keep what was found; nobody inspects their own case but for the self-check."""
    done = services.work.inspections.do(inspection_id, asked.items, asked.remark, principal, sites)
    return _item(services, done)


_FIELDS = (
    "id",
    "ticket_id",
    "level",
    "site",
    "device_id",
    "engineer",
    "engineer_name",
    "chosen_at",
    "due_at",
    "done_at",
    "by_name",
    "score",
    "remark",
)


def _item(services: ApiServices, found: Inspection) -> InspectionItem:
    items = [
        InspectedItem(
            id=item.id, name=names(item.text), points=item.points, ok=None if found.done_at is None else ok
        )
        for item, ok in services.work.inspections.items(found)
    ]
    given = {name: getattr(found, name) for name in _FIELDS}
    overdue = found.is_overdue(services.clock.now_ms())
    return InspectionItem.model_validate(given | {"overdue": overdue, "items": items})
